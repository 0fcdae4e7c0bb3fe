"""The HTTP side of the CPQ: quotes, prices without consequences, changes with a version."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.cpq.pricing import CpqError
from countersign.sandbox.cpq.store import DRAFT, RELEASED, QuoteStore
from countersign.sandbox.cpq.view import overview

API_KEY = "cpq-sandbox-key"


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _fault_body(fault: Fault) -> dict[str, Any]:
    said = "The CPQ cannot answer right now."
    return {"error": {"code": fault.code or "unavailable", "message": said}}


class Cpq:
    """A CPQ that is running: where it is, what it holds, and its bad days."""

    def __init__(self, store: QuoteStore) -> None:
        self.store = store
        self.url = ""
        self.faults = Faults()
        self._recorder = Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[Cpq]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        cpq = cls(QuoteStore(db_path))
        app = application(cpq.faults, cpq._recorder, _fault_body, cpq._refuse)
        app.add_routes(
            [
                web.get("/", cpq._page),
                web.get("/v1/quotes", cpq._quotes),
                web.get("/v1/quotes/{id}", cpq._quote),
                web.post("/v1/quotes/{id}/calculate", cpq._calculate),
                web.patch("/v1/quotes/{id}", cpq._change),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as cpq.url:
                yield cpq
        finally:
            cpq.store.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def effects(self) -> list[dict[str, Any]]:
        """Every write that really happened, oldest first.

        `{n, at, action, arguments, idempotency_key}` each.
        """
        return self.store.effects.all()

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "api_key": API_KEY}

    @property
    def _refuse(self) -> Any:
        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Ask for the API key, and write refusals as JSON."""
            if request.path.startswith("/v1/"):
                key = request.headers.get("X-Api-Key", "")
                if not secrets.compare_digest(key.encode(), API_KEY.encode()):
                    return _error(401, "unauthorized", "Send a valid X-Api-Key.")
            try:
                return await handler(request)
            except (CpqError, RefusedError) as error:
                return _error(error.status, error.code, error.message)

        return refuse

    async def _quotes(self, request: web.Request) -> web.Response:
        found = self.store.quotes(request.query.get("account", ""))
        return web.json_response({"quotes": found})

    async def _quote(self, request: web.Request) -> web.Response:
        return web.json_response(self.store.quote(request.match_info["id"]))

    async def _calculate(self, request: web.Request) -> web.Response:
        body = await _body(request)
        found = self.store.calculate(request.match_info["id"], _lines(body))
        return web.json_response(found)

    async def _change(self, request: web.Request) -> web.Response:
        wanted = request.headers.get("If-Match", "").strip('"')
        if not wanted:
            raise CpqError(428, "no_version", "Send If-Match with the version of the quote.")
        if not wanted.isdigit():
            raise CpqError(400, "version", "A version is a number.")
        body = await _body(request)
        names = ("valid_until", "status")
        changes: dict[str, Any] = {name: body[name] for name in names if name in body}
        if "lines" in body:
            changes["lines"] = _lines(body)
        if changes.get("status", DRAFT) not in (DRAFT, RELEASED):
            raise CpqError(422, "status", f"A quote is {DRAFT} or {RELEASED}.")
        key = request.headers.get("Idempotency-Key")
        _, told, again = self.store.change(request.match_info["id"], changes, int(wanted), key)
        headers = {"Idempotency-Replayed": "true"} if again else {}
        return web.json_response(told, headers=headers)

    async def _page(self, _: web.Request) -> web.Response:
        return overview(self.store)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CpqError(400, "invalid", "The body is a JSON object.")
    return body


def _lines(body: dict[str, Any]) -> list[dict[str, Any]]:
    lines = body.get("lines")
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise CpqError(422, "lines", "`lines` is a list of objects.")
    return lines
