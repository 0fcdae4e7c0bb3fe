"""The operations API of Jira Service Management, as far as schedules are read.

Like the real one it begins a timeline with the unit that `date` is in (a week on Monday), works out
the final timeline from overrides, leaves a rotation that was deleted in it, says `noone` of a slot
that nobody has, tells of a team only where `flattened` is on who that is, refuses a range of more
than two years ahead (422), a wrong token (401) and an unknown schedule (404). Sources, read
2026-12-01: developer.atlassian.com/cloud/jira/service-desk-ops/rest/v2, "Schedule timelines",
"Schedules", "Schedule overrides", "Authentication".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from aiohttp import web

from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._record import Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application

CLOUD_ID = "5a1b2c3d-0000-4000-8000-00000000c10d"
EMAIL, TOKEN = "ops@example.com", "jsm-token-of-the-sandbox"
_UNITS = {"days": timedelta(days=1), "weeks": timedelta(weeks=1), "months": timedelta(days=30)}
MOST_AHEAD = timedelta(days=731)


@dataclass
class Period:
    """Of one responder; `people` of a team."""

    responder: str
    starts_at: datetime
    ends_at: datetime
    type: str = "user"
    """`user`, `team`, `escalation`, `noone`."""
    people: tuple[str, ...] = ()


@dataclass
class Rota:
    """A schedule with one rotation, and what stands over it for a time."""

    id: str
    name: str
    enabled: bool = True
    deleted: bool = False
    """Whether its rotation is; the timeline tells of it all the same."""
    flattened: bool = True
    periods: list[Period] = field(default_factory=list)
    overrides: list[Period] = field(default_factory=list)


def _fault_body(fault: Fault) -> dict[str, Any]:
    return _error("Asked for by the person at the switches.")


def _error(message: str) -> dict[str, Any]:
    return {"errors": [{"title": message}]}


class JsmOpsServer:
    """A running site. Tests change `schedules` as people do there."""

    def __init__(self) -> None:
        self.schedules: dict[str, Rota] = {}
        self.faults, self.recorder = Faults(), Recorder()
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def start(cls, *, host: str = LOOPBACK, port: int = 0) -> AsyncIterator[JsmOpsServer]:
        """Serve until the block ends."""
        server = cls()
        app = application(server.faults, server.recorder, _fault_body)
        at = f"/jsm/ops/api/{CLOUD_ID}/v1/schedules/{{id}}"
        app.add_routes(
            [
                web.get(at, server._schedule),
                web.get(f"{at}/timeline", server._timeline),
                web.post(CONTROL_PREFIX + "shifts", server._add),
            ]
        )
        async with serve(app, host=host, port=port) as server.url:
            yield server

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "cloud_id": CLOUD_ID, "email": EMAIL, "token": TOKEN}

    def add_schedule(self, name: str) -> Rota:
        """A schedule without shifts."""
        made = Rota(str(uuid5(UUID(CLOUD_ID), name)), name)
        self.schedules[made.id] = made
        return made

    async def _schedule(self, request: web.Request) -> web.Response:
        rota = self._known(request)
        if isinstance(rota, web.Response):
            return rota
        said = {"id": rota.id, "name": rota.name, "timezone": "UTC", "enabled": rota.enabled}
        return web.json_response({**said, "description": "", "teamId": CLOUD_ID})

    async def _timeline(self, request: web.Request) -> web.Response:
        rota = self._known(request)
        if isinstance(rota, web.Response):
            return rota
        query = request.query
        date = datetime.fromisoformat(query["date"]) if "date" in query else datetime.now(UTC)
        unit = query.get("intervalUnit", "weeks")
        start = datetime.combine(date.date(), time(), UTC)
        if unit == "weeks":
            start -= timedelta(days=start.weekday())
        end = start + int(query.get("interval", "1")) * _UNITS[unit]
        if end - date > MOST_AHEAD:
            return web.json_response(_error("The time range is too long."), status=422)
        body = {"startDate": _text(start), "endDate": _text(end)}
        rotation = {"id": rota.id, "name": "Weekly", "order": 1.0}
        rotation |= {"deleted": True} if rota.deleted else {}
        periods = [
            _period(each, kind, rota.flattened)
            for each, kind in _final(rota)
            if rota.enabled and each.starts_at < end and each.ends_at > start
        ]
        final = {"rotations": [{**rotation, "periods": periods}]}
        return web.json_response({**body, "finalTimeline": final})

    async def _add(self, request: web.Request) -> web.Response:
        """Somebody takes a shift: `schedule`, `account`, `start`, `end`, perhaps `override`."""
        given = await request.json()
        known = {rota.name: rota for rota in self.schedules.values()}
        rota = known.get(given["schedule"]) or self.add_schedule(given["schedule"])
        times = datetime.fromisoformat(given["start"]), datetime.fromisoformat(given["end"])
        shifts = rota.overrides if given.get("override") else rota.periods
        shifts.append(Period(given["account"], *times))
        return web.json_response({"schedule": rota.id}, status=201)

    def _known(self, request: web.Request) -> Rota | web.Response:
        basic = b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") not in (f"Basic {basic}", f"Bearer {TOKEN}"):
            return web.json_response({"code": 401, "message": "Unauthorized"}, status=401)
        found = self.schedules.get(request.match_info["id"])
        return found or web.json_response(_error("Schedule not found"), status=404)


def _final(rota: Rota) -> Iterator[tuple[Period, str]]:
    """Who is on call in the end: overrides cut what they stand over."""
    for each in rota.overrides:
        yield each, "override"
    for each in rota.periods:
        starts_at = each.starts_at
        over = [o for o in rota.overrides if o.starts_at < each.ends_at and o.ends_at > starts_at]
        for one in sorted(over, key=lambda o: o.starts_at):
            if one.starts_at > starts_at:
                yield _cut(each, starts_at, one.starts_at), "historical"
            starts_at = one.ends_at
        if starts_at < each.ends_at:
            yield _cut(each, starts_at, each.ends_at), "base"


def _cut(period: Period, starts_at: datetime, ends_at: datetime) -> Period:
    return Period(period.responder, starts_at, ends_at, period.type, period.people)


def _period(each: Period, kind: str, flattened: bool) -> dict[str, Any]:
    responder = {"type": each.type, "id": each.responder}
    if each.type == "noone":
        responder = {"type": "noone"}
    said = {"startDate": _text(each.starts_at), "endDate": _text(each.ends_at), "type": kind}
    people = [{"type": "user", "id": person} for person in each.people]
    more = {"flattenedResponders": people} if flattened and people else {}
    return {**said, "responder": responder, **more}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
