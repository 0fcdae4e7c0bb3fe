"""The HTTP side of the CLM.

Paths and the shape of a workflow are Ironclad's (`/public/api/v1/workflows/{id}` with `attributes`,
`/document/{key}/download`; developer.ironcladapp.com/reference, read 2026-11-30). Versions with
`If-Match` are this stand-in's own: whoever puts a CLM behind them has its way to say "not if there
is a newer one".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.clm.store import KEY, ClmStore
from countersign.sandbox.clm.view import contract, overview

TOKEN = "clm-sandbox-token"  # noqa: S105 - of nothing but this stand-in
API = "/public/api/v1/workflows"
US = "Contoso Legal"
"""Who uploads with the token."""
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class VersionInput(BaseModel):
    """Body of `POST …/document/draft/versions`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    comment: str = Field(min_length=1, max_length=2000)
    content: str
    """The file in base64."""


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {"code": fault.code or "UNAVAILABLE", "message": "The CLM cannot answer right now."}


class Clm:
    """A CLM that is running."""

    def __init__(self, store: ClmStore) -> None:
        self._store = store
        self.token, self.url = TOKEN, ""
        self.faults, self._recorder = Faults(), Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[Clm]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        store = ClmStore(db_path)
        clm = cls(store)
        app = application(clm.faults, clm._recorder, _fault_body, clm._refuse)
        one = API + "/{id}"
        document = f"{one}/document/{{key}}"
        app.add_routes(
            [
                web.get("/", clm._page),
                web.get("/contracts/{id}", clm._contract_page),
                web.get("/contracts/{id}/document.docx", clm._download),
                web.get(API, clm._workflows),
                web.get(one, clm._workflow),
                web.get(f"{document}/download", clm._download),
                web.post(f"{document}/versions", clm._upload),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as clm.url:
                yield clm
        finally:
            store.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def effects(self) -> list[dict[str, Any]]:
        """Every version that was uploaded by the API, oldest first."""
        return self._store.effects.all()

    def document(self, workflow_id: str, version: int | None = None) -> bytes:
        """The file itself, its newest version unless said otherwise."""
        return self._store.data(workflow_id, version)[1]

    def workflow(self, workflow_id: str) -> dict[str, Any]:
        """One workflow with the versions of its document."""
        return self._store.workflow(workflow_id)

    def upload(self, workflow_id: str, data: bytes, *, author: str) -> None:
        """Somebody uploads a version in the meantime, past the API and its log."""
        newest, _ = self._store.data(workflow_id)
        self._store.upload(workflow_id, data, author=author, comment="A new draft.", on=newest)

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "token": self.token, "account": US}

    @property
    def _refuse(self) -> Any:
        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Ask for the token except on the pages, and write refusals as JSON."""
            if request.path.startswith(API) and not request.path.startswith(CONTROL_PREFIX):
                given = request.headers.get("Authorization", "")
                if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                    return _error(401, "UNAUTHORIZED", "The token is missing or wrong.")
            try:
                return await handler(request)
            except RefusedError as error:
                return _error(error.status, error.code, error.message)

        return refuse

    async def _workflows(self, request: web.Request) -> web.Response:
        found = self._store.workflows(request.query.get("counterparty", ""))
        return web.json_response({"page": 0, "count": len(found), "list": found})

    async def _workflow(self, request: web.Request) -> web.Response:
        return web.json_response(self._store.workflow(request.match_info["id"]))

    async def _download(self, request: web.Request) -> web.Response:
        if request.match_info.get("key", KEY) != KEY:
            raise RefusedError(404, "NOT_FOUND", "There is no such document.")
        wanted = request.query.get("version", "")
        version = int(wanted) if wanted.isdecimal() else None
        version, data = self._store.data(request.match_info["id"], version)
        name = f"{request.match_info['id']}-v{version}.docx"
        headers = {
            "ETag": f'"{version}"',
            "Content-Disposition": f'attachment; filename="{name}"',
        }
        return web.Response(body=data, content_type=DOCX, headers=headers)

    async def _upload(self, request: web.Request) -> web.Response:
        workflow_id = self._store.workflow(request.match_info["id"])["id"]
        try:
            given = VersionInput.model_validate_json(await request.read())
            data = base64.b64decode(given.content, validate=True)
        except (ValidationError, binascii.Error) as error:
            raise RefusedError(422, "INVALID", f"The body is wrong: {error}") from error
        on = request.headers.get("If-Match", "").strip('"')
        if not on.isdecimal():
            raise RefusedError(428, "PRECONDITION_REQUIRED", "Send If-Match with a version.")
        if not data.startswith(b"PK"):
            raise RefusedError(422, "INVALID", "The content is no DOCX.")
        about = {
            "workflow_id": workflow_id,
            "on_version": int(on),
            "comment": given.comment,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        status, body, replayed = self._store.effects.write(
            "upload_version",
            about,
            request.headers.get("Idempotency-Key"),
            lambda: self._store.upload(
                workflow_id, data, author=US, comment=given.comment, on=int(on)
            ),
        )
        headers = {"Idempotency-Replayed": "true"} if replayed else {}
        return web.json_response(body, status=status, headers=headers)

    async def _page(self, _: web.Request) -> web.Response:
        return overview(self._store)

    async def _contract_page(self, request: web.Request) -> web.Response:
        return contract(self._store, request.match_info["id"])
