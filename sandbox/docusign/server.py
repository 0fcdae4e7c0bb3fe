"""The HTTP side of the stand-in for DocuSign.

Like the real one it makes another envelope for a `transactionId` that it knows already, lists
envelopes only by ids, transaction ids or from a date on, writes times with seven digits, and voids
only what is sent and not complete. Sources: the OpenAPI document of the eSignature REST API v2.1
(github.com/docusign/OpenAPI-Specifications) and what docusign-esign 6.1.0 sends, read 2026-11-30.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._page import page, table, tag
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.docusign.envelopes import Definition, Envelopes

TOKEN = "docusign-sandbox-token"  # noqa: S105 - of nothing but this stand-in
ACCOUNT = "7f3a2c10-0000-4000-8000-00000c0de516"
BASE = "/restapi"
_API = f"{BASE}/v2.1/accounts/{{account}}/envelopes"


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"errorCode": code, "message": message}, status=status)


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {"errorCode": fault.code or "UNSPECIFIED_ERROR", "message": "Not right now."}


class DocuSign:
    """An account that is running."""

    def __init__(self, envelopes: Envelopes) -> None:
        self._envelopes = envelopes
        self.token, self.url = TOKEN, ""
        self.faults, self._recorder = Faults(), Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[DocuSign]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        envelopes = Envelopes(db_path)
        account = cls(envelopes)
        app = application(account.faults, account._recorder, _fault_body, account._refuse)
        app.add_routes(
            [
                web.get("/", account._page),
                web.post(_API, account._create),
                web.get(_API, account._list),
                web.get(_API + "/{id}", account._one),
                web.put(_API + "/{id}", account._update),
                web.get(_API + "/{id}/documents/{document}", account._document),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as account.url:
                yield account
        finally:
            envelopes.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def effects(self) -> list[dict[str, Any]]:
        """Every envelope that was made or voided, oldest first."""
        return self._envelopes.effects.all()

    def envelopes(self) -> list[dict[str, Any]]:
        """All envelopes, oldest first."""
        return self._envelopes.all()

    def document(self, envelope_id: str, document_id: str = "1") -> bytes:
        """The file that is signed."""
        return self._envelopes.document(envelope_id, document_id)

    def sign(self, envelope_id: str) -> None:
        """Everybody signs it."""
        self._envelopes.complete(envelope_id)

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "token": self.token, "account": ACCOUNT}

    @property
    def _refuse(self) -> Any:
        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(BASE):
                given = request.headers.get("Authorization", "")
                if not secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                    return _error(
                        401, "AUTHORIZATION_INVALID_TOKEN", "The access token provided is expired."
                    )
                if request.match_info.get("account", ACCOUNT) != ACCOUNT:
                    return _error(
                        401, "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT", "Not this account."
                    )
            try:
                return await handler(request)
            except RefusedError as error:
                return _error(error.status, error.code, error.message)

        return refuse

    async def _create(self, request: web.Request) -> web.Response:
        try:
            given = Definition.model_validate_json(await request.read())
        except ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise RefusedError(
                400, "INVALID_REQUEST_PARAMETER", f"The request contained: {told}"
            ) from error
        about = {
            "subject": given.email_subject,
            "signers": [each.email for each in given.recipients.signers],
            "documents": [each.name for each in given.documents],
        }
        # DocuSign does not keep a second one with this transaction id from being made.
        made = self._envelopes.add(given)
        self._envelopes.effects.note("create_envelope", about, given.transaction_id)
        return web.json_response(made, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        ids = request.query.get("transaction_ids")
        if ids is None and "from_date" not in request.query:
            raise RefusedError(
                400,
                "INVALID_REQUEST_PARAMETER",
                "One of the following parameters must be specified: from_date, envelope_ids, "
                "transaction_ids",
            )
        found = self._envelopes.all(None if ids is None else tuple(ids.split(",")))
        size = str(len(found))
        return web.json_response({"resultSetSize": size, "totalSetSize": size, "envelopes": found})

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(self._envelopes.one(request.match_info["id"]))

    async def _update(self, request: web.Request) -> web.Response:
        given = await request.json()
        if given.get("status") != "voided":
            raise RefusedError(400, "INVALID_REQUEST_PARAMETER", "status: only voided, here.")
        envelope_id, reason = request.match_info["id"], str(given.get("voidedReason") or "")
        body = self._envelopes.void(envelope_id, reason)
        about = {"envelope_id": envelope_id, "reason": reason}
        self._envelopes.effects.note("void_envelope", about, None)
        return web.json_response(body)

    async def _document(self, request: web.Request) -> web.Response:
        data = self._envelopes.document(request.match_info["id"], request.match_info["document"])
        return web.Response(body=data, content_type="application/octet-stream")

    async def _page(self, _: web.Request) -> web.Response:
        rows = [
            (
                each["emailSubject"],
                ", ".join(who["email"] for who in each["recipients"]["signers"]),
                tag(each["status"]),
                each["voidedReason"],
                each["statusChangedDateTime"][:19].replace("T", " "),
            )
            for each in reversed(self._envelopes.all())
        ]
        heads = ("Envelope", "Signers", "Status", "Why voided", "At (UTC)")
        return page(
            "Envelopes",
            "A stand-in: what was really sent for signature shows up here.",
            [table("Envelopes, the latest first", heads, rows, empty="None was sent yet.")],
        )
