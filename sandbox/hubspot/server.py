"""The HTTP side: deals one by one, by search, in batches; pipelines.

Sources: "CRM API | Deals", "CRM API | Search", "CRM API | Pipelines", "Error handling" and "Usage
guidelines" (developers.hubspot.com/docs, read 2026-11-30).
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.hubspot.store import (
    PEOPLE,
    PIPELINE,
    STAGES,
    DealStore,
    HubSpotError,
)
from countersign.sandbox.hubspot.view import overview

TOKEN = "hubspot-sandbox-token"  # noqa: S105 - of the stand-in
MAX_BATCH = 100
_DEALS = "/crm/v3/objects/deals"
_CREATED = "2026-01-05T08:00:00.000Z"


def _error(status: int, category: str, message: str, **more: Any) -> web.Response:
    body = {
        "status": "error",
        "message": message,
        "correlationId": str(uuid.uuid4()),
        "category": category,
    }
    return web.json_response(body | more, status=status)


def _fault_body(fault: Fault) -> Any:
    if fault.status == 429:
        return {
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": str(uuid.uuid4()),
            "policyName": "TEN_SECONDLY_ROLLING",
        }
    return {"status": "error", "message": "internal error", "correlationId": str(uuid.uuid4())}


class HubSpot:
    """The API, running: what it holds, and its bad days."""

    def __init__(self, store: DealStore) -> None:
        self.store = store
        self.url = ""
        self.faults = Faults()
        self._recorder = Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[HubSpot]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        api = cls(DealStore(db_path))
        app = application(api.faults, api._recorder, _fault_body, api._refuse)
        app.add_routes(
            [
                web.get("/", api._page),
                web.post(f"{_DEALS}/search", api._search),
                web.post(f"{_DEALS}/batch/read", api._batch),
                web.get(f"{_DEALS}/{{id}}", api._get),
                web.patch(f"{_DEALS}/{{id}}", api._patch),
                web.delete(f"{_DEALS}/{{id}}", api._archive),
                web.get("/crm/v3/pipelines/deals", api._pipelines),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as api.url:
                yield api
        finally:
            api.store.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def effects(self) -> list[dict[str, Any]]:
        """Every write that really happened, oldest first.

        `{n, at, action, arguments, idempotency_key}` each; the key is what the change says of the
        approval that it came from.
        """
        return self.store.effects.all()

    def deal(self, key: str) -> dict[str, Any]:
        """The properties of a deal as they are now."""
        found: dict[str, Any] = self.store.deal(key)["properties"]
        return found

    def change(self, key: str, **properties: Any) -> None:
        """Somebody changes a deal on its page, past the API."""
        self.store.update(key, properties, source=PEOPLE)

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "token": TOKEN}

    @property
    def _refuse(self) -> Any:
        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Ask for the token, and write refusals as HubSpot does."""
            if request.path.startswith("/crm/"):
                given = request.headers.get("Authorization", "").removeprefix("Bearer ")
                if not secrets.compare_digest(given.encode(), TOKEN.encode()):
                    said = "Authentication credentials not found."
                    return _error(401, "INVALID_AUTHENTICATION", said)
            try:
                return await handler(request)
            except HubSpotError as error:
                return _error(error.status, error.category, error.message)

        return refuse

    async def _get(self, request: web.Request) -> web.Response:
        asked = request.query
        found = self.store.deal(
            request.match_info["id"],
            _names(asked.getall("properties", [])),
            history=_names(asked.getall("propertiesWithHistory", [])),
            archived=asked.get("archived", "").lower() == "true",
        )
        return web.json_response(found)

    async def _patch(self, request: web.Request) -> web.Response:
        body = await _body(request)
        key, properties = request.match_info["id"], body.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            raise HubSpotError(400, "VALIDATION_ERROR", "No properties found to update")
        self.store.update(key, properties)
        return web.json_response(self.store.deal(key, properties))

    async def _archive(self, request: web.Request) -> web.Response:
        self.store.archive(request.match_info["id"])
        return web.Response(status=204)

    async def _batch(self, request: web.Request) -> web.Response:
        body = await _body(request)
        inputs = body.get("inputs", [])
        if len(inputs) > MAX_BATCH:
            said = f"The maximum number of inputs supported in a batch request is {MAX_BATCH}"
            raise HubSpotError(400, "VALIDATION_ERROR", said)
        found, missing = [], 0
        for one in inputs:
            try:
                found.append(self.store.deal(str(one["id"]), body.get("properties", [])))
            except HubSpotError:
                missing += 1
        answer: dict[str, Any] = {
            "status": "COMPLETE",
            "results": found,
            "startedAt": _CREATED,
            "completedAt": _CREATED,
        }
        if missing:
            # Some of them are there: the answer is one of several parts.
            problem = {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": "Could not get some DEAL objects, they may be deleted or not exist.",
            }
            answer |= {"numErrors": missing, "errors": [problem]}
        return web.json_response(answer, status=207 if missing else 200)

    async def _search(self, request: web.Request) -> web.Response:
        body = await _body(request)
        groups, names = body.get("filterGroups", []), body.get("properties", [])
        limit = int(body.get("limit") or 10)
        if limit > 200:
            raise HubSpotError(400, "VALIDATION_ERROR", "limit must be at most 200")
        found = [
            deal
            for deal in self.store.all(names)
            if not groups
            or any(all(_holds(deal, each) for each in group["filters"]) for group in groups)
        ]
        answer: dict[str, Any] = {"total": len(found), "results": found[:limit]}
        if len(found) > limit:
            answer["paging"] = {"next": {"after": str(limit)}}
        return web.json_response(answer)

    async def _pipelines(self, _: web.Request) -> web.Response:
        stages = [
            {
                "id": key,
                "label": label,
                "displayOrder": place,
                "metadata": {
                    "isClosed": str(key.startswith("closed")).lower(),
                    "probability": odds,
                },
                "createdAt": _CREATED,
                "updatedAt": _CREATED,
                "archived": False,
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            }
            for place, (key, (label, odds)) in enumerate(STAGES.items())
        ]
        pipeline = {
            "id": PIPELINE,
            "label": "Sales Pipeline",
            "displayOrder": 0,
            "stages": stages,
            "createdAt": _CREATED,
            "updatedAt": _CREATED,
            "archived": False,
        }
        return web.json_response({"results": [pipeline]})

    async def _page(self, _: web.Request) -> web.Response:
        return overview(self.store)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise HubSpotError(400, "VALIDATION_ERROR", "Invalid input JSON")
    return body


def _names(given: list[str]) -> list[str]:
    return [name for each in given for name in each.split(",") if name]


def _holds(deal: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """One condition of a search. `CONTAINS_TOKEN` looks at whole words; `*` stands for any
    letters."""
    value = str(deal["properties"].get(wanted["propertyName"]) or "").lower()
    asked = str(wanted.get("value") or "").lower()
    match wanted["operator"]:
        case "EQ":
            return value == asked
        case "CONTAINS_TOKEN":
            pattern = re.escape(asked).replace(r"\*", r"[^\s]*")
            return re.search(rf"(?:^|\W){pattern}(?:\W|$)", value) is not None
    raise HubSpotError(400, "VALIDATION_ERROR", f"operator {wanted['operator']} is not valid")
