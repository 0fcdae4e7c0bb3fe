"""The HTTP side of the CRM."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application, keyed
from countersign.sandbox.crm.store import (
    ActivityInput,
    CrmError,
    CrmStore,
    OpportunityInput,
    QuoteInput,
)
from countersign.sandbox.crm.view import overview

API_KEY = "crm-sandbox-key"
_MAX_KEY_LENGTH = 255

Input = TypeVar("Input", bound=BaseModel)


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {
        "error": {
            "code": fault.code or "unavailable",
            "message": "The CRM cannot answer right now.",
        }
    }


class Crm:
    """A CRM that is running: where it is, what it holds, and the switches for its bad days."""

    def __init__(self, store: CrmStore, *, api_key: str) -> None:
        self._store = store
        self.api_key = api_key
        self.url = ""
        self.faults = Faults()
        self._recorder = Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        db_path: Path | None = None,
        api_key: str = API_KEY,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> AsyncIterator[Crm]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        store = CrmStore(db_path)
        crm = cls(store, api_key=api_key)
        app = application(crm.faults, crm._recorder, _fault_body, keyed(crm.api_key))
        app.add_routes(
            [
                web.get("/", crm._page),
                web.get("/effects", crm._effects),
                web.get("/customers", crm._customers),
                web.get("/quotes", crm._quotes),
                web.post("/quotes", crm._add_quote),
                web.get("/activities", crm._activities),
                web.post("/activities", crm._add_activity),
                web.get("/opportunities/{id}", crm._opportunity),
                web.patch("/opportunities/{id}", crm._update_opportunity),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as crm.url:
                yield crm
        finally:
            store.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def effects(self) -> list[dict[str, Any]]:
        """Every write that really happened, oldest first.

        `{n, at, action, arguments, idempotency_key}` each.
        """
        return self._store.effects()

    def quotes(self) -> list[dict[str, Any]]:
        """The released quotes, oldest first."""
        return self._store.quotes()

    def opportunity(self, opportunity_id: str) -> dict[str, Any]:
        """One opportunity as it is now."""
        return self._store.opportunity(opportunity_id)

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "api_key": self.api_key}

    async def _write(
        self,
        request: web.Request,
        action: str,
        model: type[Input],
        change: Callable[[Input], dict[str, Any]],
        *,
        status: int,
        about: Mapping[str, Any] | None = None,
    ) -> web.Response:
        key = request.headers.get("Idempotency-Key")
        if key is not None and not 1 <= len(key) <= _MAX_KEY_LENGTH:
            raise CrmError(
                400, "idempotency_key", f"An Idempotency-Key has 1 to {_MAX_KEY_LENGTH} characters."
            )
        try:
            parsed = model.model_validate_json(await request.read())
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()
            )
            raise CrmError(422, "invalid", problems) from error
        arguments = {**(about or {}), **parsed.model_dump(exclude_none=True)}
        code, body, replayed = self._store.write(
            action, arguments, key, lambda: change(parsed), status
        )
        headers = {"Idempotency-Replayed": "true"} if replayed else {}
        return web.json_response(body, status=code, headers=headers)

    async def _add_quote(self, request: web.Request) -> web.Response:
        return await self._write(
            request, "create_quote", QuoteInput, self._store.add_quote, status=201
        )

    async def _add_activity(self, request: web.Request) -> web.Response:
        return await self._write(
            request, "create_activity", ActivityInput, self._store.add_activity, status=201
        )

    async def _update_opportunity(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        return await self._write(
            request,
            "update_opportunity",
            OpportunityInput,
            lambda change: self._store.update_opportunity(number, change),
            status=200,
            about={"opportunity_id": number},
        )

    async def _opportunity(self, request: web.Request) -> web.Response:
        return web.json_response(self._store.opportunity(request.match_info["id"]))

    async def _customers(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"customers": self._store.customers(request.query.get("name", ""))}
        )

    async def _quotes(self, _: web.Request) -> web.Response:
        return web.json_response({"quotes": self._store.quotes()})

    async def _activities(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"activities": self._store.rows("SELECT * FROM activities ORDER BY id")}
        )

    async def _effects(self, _: web.Request) -> web.Response:
        return web.json_response({"effects": self._store.effects()})

    async def _page(self, _: web.Request) -> web.Response:
        return overview(self._store)
