"""PagerDuty's REST API, version 2, as far as schedules are read: `/oncalls` and `/schedules/{id}`.

Like the real one it lists a shift once for each level of each escalation policy that uses the
schedule, and none of a schedule that no policy uses; gives at most 100 at a time; and refuses more
than 90 days (400), a wrong token (401) and an unknown schedule (404). Sources, read 2026-11-30:
developer.pagerduty.com, "List all of the on-calls", "Get a schedule", "Pagination".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._record import Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application

TOKEN = "pd-key-of-the-sandbox"  # noqa: S105 - of nothing but this stand-in
MOST_DAYS = timedelta(days=90)
MOST_AT_ONCE = 100


@dataclass
class Rota:
    """A schedule with its shifts."""

    id: str
    name: str
    policies: int = 1
    """How many escalation policies use it."""
    shifts: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    """The id of the user, from when until when."""


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": code}}


def _fault_body(fault: Fault) -> dict[str, Any]:
    return _error(2020, "Asked for by the person at the switches.")


class PagerDutyServer:
    """A running account. Tests change `users` and `schedules` as people do there."""

    def __init__(self) -> None:
        self.users: dict[str, tuple[str, str]] = {}
        """Name and address, by id."""
        self.schedules: dict[str, Rota] = {}
        self.faults, self.recorder = Faults(), Recorder()
        self.url = ""
        self._ids = count(1)

    @classmethod
    @asynccontextmanager
    async def start(cls, *, host: str = LOOPBACK, port: int = 0) -> AsyncIterator[PagerDutyServer]:
        """Serve until the block ends."""
        server = cls()
        app = application(server.faults, server.recorder, _fault_body)
        app.add_routes(
            [
                web.get("/oncalls", server._oncalls),
                web.get("/schedules/{id}", server._schedule),
                web.post(CONTROL_PREFIX + "shifts", server._add),
            ]
        )
        async with serve(app, host=host, port=port) as server.url:
            yield server

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "token": TOKEN}

    def add_user(self, name: str, email: str) -> str:
        """Somebody; returns the id."""
        made = f"PU{next(self._ids):05}"
        self.users[made] = name, email
        return made

    def add_schedule(self, name: str, *, policies: int = 1) -> Rota:
        """A schedule without shifts."""
        made = Rota(f"PS{next(self._ids):05}", name, policies)
        self.schedules[made.id] = made
        return made

    async def _oncalls(self, request: web.Request) -> web.Response:
        if (refusal := _refusal(request)) is not None:
            return refusal
        since, until = _window(request)
        if until - since > MOST_DAYS:
            return web.json_response(_error(2001, "Invalid Input Provided"), status=400)
        asked = set(request.query.getall("schedule_ids[]", []))
        found = [
            self._oncall(rota, level, user, start, end, "users" in _included(request))
            for rota in self.schedules.values()
            if not asked or rota.id in asked
            for user, start, end in sorted(rota.shifts, key=lambda shift: shift[1])
            if start < until and end > since
            for level in range(1, rota.policies + 1)
        ]
        limit = min(int(request.query.get("limit", "25")), MOST_AT_ONCE)
        offset = int(request.query.get("offset", "0"))
        body = {
            "oncalls": found[offset : offset + limit],
            "limit": limit,
            "offset": offset,
            "more": offset + limit < len(found),
            "total": None,
        }
        return web.json_response(body)

    def _oncall(
        self, rota: Rota, level: int, user_id: str, start: datetime, end: datetime, whole: bool
    ) -> dict[str, Any]:
        name, email = self.users[user_id]
        kind = "user" if whole else "user_reference"
        user = {"id": user_id, "type": kind, "summary": name, "self": f"{self.url}/users/{user_id}"}
        policy = {"id": f"PE{level:05}", "type": "escalation_policy_reference", "summary": "All"}
        schedule = {"id": rota.id, "type": "schedule_reference", "summary": rota.name}
        return {
            "escalation_policy": policy,
            "escalation_level": level,
            "schedule": schedule,
            "user": {**user, **({"name": name, "email": email} if whole else {})},
            "start": _text(start),
            "end": _text(end),
        }

    async def _schedule(self, request: web.Request) -> web.Response:
        if (refusal := _refusal(request)) is not None:
            return refusal
        found = self.schedules.get(request.match_info["id"])
        if found is None:
            return web.json_response(_error(2100, "Not Found"), status=404)
        policies = [
            {"id": f"PE{level:05}", "type": "escalation_policy_reference"}
            for level in range(1, found.policies + 1)
        ]
        said = {"id": found.id, "type": "schedule", "name": found.name, "time_zone": "UTC"}
        return web.json_response({"schedule": {**said, "escalation_policies": policies}})

    async def _add(self, request: web.Request) -> web.Response:
        """Somebody takes a shift: `schedule`, `user` (name), `email`, `start`, `end`."""
        given = await request.json()
        known = {rota.name: rota for rota in self.schedules.values()}
        rota = known.get(given["schedule"]) or self.add_schedule(given["schedule"])
        user = self.add_user(given["user"], given["email"])
        times = datetime.fromisoformat(given["start"]), datetime.fromisoformat(given["end"])
        rota.shifts.append((user, *times))
        return web.json_response({"schedule": rota.id, "user": user}, status=201)


def _refusal(request: web.Request) -> web.Response | None:
    if request.headers.get("Authorization") != f"Token token={TOKEN}":
        return web.json_response(_error(2006, "Unauthorized"), status=401)
    if "version=2" not in request.headers.get("Accept", ""):
        return web.json_response(_error(2010, "API version not given"), status=400)
    return None


def _included(request: web.Request) -> list[str]:
    return request.query.getall("include[]", [])


def _window(request: web.Request) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    since, until = request.query.get("since"), request.query.get("until")
    start = datetime.fromisoformat(since) if since else now
    return start, datetime.fromisoformat(until) if until else start


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
