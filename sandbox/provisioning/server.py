"""The HTTP side of the provisioning system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application, keyed
from countersign.sandbox.provisioning.inputs import IncidentInput, ResourceInput, RuleInput
from countersign.sandbox.provisioning.store import ProvisioningStore
from countersign.sandbox.provisioning.view import overview

API_KEY = "provisioning-sandbox-key"

Input = TypeVar("Input", bound=BaseModel)


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {
        "error": {
            "code": fault.code or "unavailable",
            "message": "The provisioning system cannot answer right now.",
        }
    }


class Provisioning:
    """A provisioning system that is running: where it is, what it holds, and its bad days."""

    def __init__(self, store: ProvisioningStore, *, api_key: str) -> None:
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
    ) -> AsyncIterator[Provisioning]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        store = ProvisioningStore(db_path)
        system = cls(store, api_key=api_key)
        app = application(system.faults, system._recorder, _fault_body, keyed(system.api_key))
        app.add_routes(system._routes())
        try:
            async with serve(app, host=host, port=port) as system.url:
                yield system
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
        return self._store.effects.all()

    def resources(self) -> list[dict[str, Any]]:
        """Everything that was provisioned, oldest first, with what was there from the start."""
        return self._store.resources()

    def take(self, **resource: Any) -> None:
        """Somebody else provisions this, past the API and its log: there is less room then."""
        self._store.add_resource(ResourceInput.model_validate(resource))

    def rules(self) -> list[dict[str, Any]]:
        """The ports that were opened, oldest first."""
        return self._store.rules()

    def incidents(self) -> list[dict[str, Any]]:
        """What the on-call was asked to look at, oldest first."""
        return self._store.incidents()

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "api_key": self.api_key}

    def _routes(self) -> list[web.RouteDef]:
        store = self._store

        def writes(
            path: str, action: str, model: type[Input], change: Callable[[Input], dict[str, Any]]
        ) -> web.RouteDef:
            async def write(request: web.Request) -> web.Response:
                return await self._write(request, action, model, change)

            return web.post(path, write)

        def lists(path: str, name: str, rows: Callable[[], list[dict[str, Any]]]) -> web.RouteDef:
            async def show(_: web.Request) -> web.Response:
                return web.json_response({name: rows()})

            return web.get(path, show)

        return [
            web.get("/", self._page),
            web.get("/catalog", self._catalog),
            lists("/effects", "effects", store.effects.all),
            lists("/resources", "resources", store.resources),
            lists("/firewall-rules", "firewall_rules", store.rules),
            lists("/incidents", "incidents", store.incidents),
            writes("/resources", "provision", ResourceInput, store.add_resource),
            writes("/firewall-rules", "change_firewall", RuleInput, store.add_rule),
            writes("/incidents", "open_incident", IncidentInput, store.add_incident),
        ]

    async def _write(
        self,
        request: web.Request,
        action: str,
        model: type[Input],
        change: Callable[[Input], dict[str, Any]],
    ) -> web.Response:
        try:
            parsed = model.model_validate_json(await request.read())
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()
            )
            raise RefusedError(422, "invalid", problems) from error
        key = request.headers.get("Idempotency-Key")
        status, body, replayed = self._store.effects.write(
            action, parsed.model_dump(), key, lambda: change(parsed)
        )
        headers = {"Idempotency-Replayed": "true"} if replayed else {}
        return web.json_response(body, status=status, headers=headers)

    async def _catalog(self, request: web.Request) -> web.Response:
        kind = request.query.get("kind", "")
        return web.json_response({"offers": self._store.offers(kind)})

    async def _page(self, _: web.Request) -> web.Response:
        return overview(self._store)
