"""The HTTP side of the org: sign-in, describe, query, records.

Sources: REST API Developer Guide ("sObject Rows", "Conditional Request Headers", "Status Codes and
Error Responses") and "OAuth 2.0 Client Credentials Flow" (developer.salesforce.com and
help.salesforce.com, read 2026-11-30).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.salesforce.seed import FIELDS, MEGAN
from countersign.sandbox.salesforce.store import OrgStore, SalesforceError
from countersign.sandbox.salesforce.view import overview

CONSUMER_KEY, CONSUMER_SECRET = "salesforce-sandbox-app", "salesforce-sandbox-secret"
MY_DOMAIN = "countersign.sandbox.my"
"""The org's own domain, below `salesforce.com`; a client that is to come here is led here."""
_DAILY = 15_000
_DATA = "/services/data/{version:v\\d\\d\\.0}"


def _errors(status: int, code: str, message: str, fields: list[str] | None = None) -> web.Response:
    body: dict[str, Any] = {"message": message, "errorCode": code}
    if fields is not None:
        body["fields"] = fields
    return web.json_response([body], status=status)


def _fault_body(fault: Fault) -> Any:
    code = fault.code or ("SERVER_UNAVAILABLE" if fault.status == 503 else "UNKNOWN_EXCEPTION")
    return [{"message": "The server cannot answer right now.", "errorCode": code}]


class Salesforce:
    """An org that is running: where it is, what it holds, and its bad days."""

    def __init__(self, store: OrgStore) -> None:
        self.store = store
        self.url = ""
        self.faults = Faults()
        self._recorder = Recorder()
        self._tokens: set[str] = set()
        self._calls = 0

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[Salesforce]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        org = cls(OrgStore(db_path))
        app = application(org.faults, org._recorder, _fault_body, org._refuse)
        app.add_routes(
            [
                web.get("/", org._page),
                web.post("/services/oauth2/token", org._token),
                web.get(f"{_DATA}/query/", org._query),
                web.get(f"{_DATA}/sobjects/{{object}}/describe", org._describe),
                web.get(f"{_DATA}/sobjects/{{object}}/{{id}}", org._get),
                web.patch(f"{_DATA}/sobjects/{{object}}/{{id}}", org._patch),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as org.url:
                yield org
        finally:
            org.store.close()

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

    def opportunity(self, record_id: str) -> dict[str, Any]:
        """One opportunity as it is now."""
        return self.store.get("Opportunity", record_id)

    def change(self, record_id: str, **fields: Any) -> None:
        """Megan changes an opportunity on its page, past the API."""
        self.store.update("Opportunity", record_id, fields, by=MEGAN)

    def end_sessions(self) -> None:
        """Every access token that was given out is void."""
        self._tokens.clear()

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "url": self.url,
            "stand_in": self.url,
            "domain": MY_DOMAIN,
            "consumer_key": CONSUMER_KEY,
            "consumer_secret": CONSUMER_SECRET,
        }

    @property
    def _refuse(self) -> Any:
        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Ask for the access token, and write refusals as Salesforce does."""
            if request.path.startswith("/services/data/"):
                kind, _, token = request.headers.get("Authorization", "").partition(" ")
                if kind != "Bearer" or token not in self._tokens:
                    return _errors(401, "INVALID_SESSION_ID", "Session expired or invalid")
                self._calls += 1
            try:
                response = await handler(request)
            except SalesforceError as error:
                fields = error.fields if error.fields else None
                return _errors(error.status, error.code, error.message, fields)
            if request.path.startswith("/services/data/"):
                response.headers["Sforce-Limit-Info"] = f"api-usage={self._calls}/{_DAILY}"
            return response

        return refuse

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", "grant type not supported")
        key, secret = _basic(request.headers.get("Authorization", ""))
        if key != CONSUMER_KEY:
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(secret.encode(), CONSUMER_SECRET.encode()):
            return _oauth_error("invalid_client", "invalid client credentials")
        token = f"00DHs000000sAnd!{secrets.token_hex(24)}"
        self._tokens.add(token)
        home = f"https://{MY_DOMAIN}.salesforce.com"
        return web.json_response(
            {
                "access_token": token,
                "instance_url": home,
                "id": f"{home}/id/00DHs000000sAndMAM/005Hs00000D9InteIA",
                "token_type": "Bearer",
                "issued_at": str(int(datetime.now(UTC).timestamp() * 1000)),
                "scope": "api",
            }
        )

    async def _query(self, request: web.Request) -> web.Response:
        return web.json_response(self.store.query(request.query.get("q", "")))

    async def _describe(self, request: web.Request) -> web.Response:
        name = request.match_info["object"]
        if name not in FIELDS:
            raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
        return web.json_response({"name": name, "label": name, "fields": FIELDS[name]})

    async def _get(self, request: web.Request) -> web.Response:
        name = request.match_info["object"]
        record = self.store.get(name, request.match_info["id"])
        url = f"/services/data/{request.match_info['version']}/sobjects/{name}/{record['Id']}"
        body = {"attributes": {"type": name, "url": url}, **record}
        return web.json_response(body)

    async def _patch(self, request: web.Request) -> web.Response:
        name, record_id = request.match_info["object"], request.match_info["id"]
        changes = await _fields_of(request)
        record = self.store.get(name, record_id)
        if not _unmodified(request.headers, record):
            # "a 412 Precondition Failed status code is returned, and the request isn't processed"
            return web.Response(status=412)
        self.store.update(name, record_id, changes)
        return web.Response(status=204)

    async def _page(self, _: web.Request) -> web.Response:
        return overview(self.store)


async def _fields_of(request: web.Request) -> Mapping[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The request body is no JSON object")
    return body


def _unmodified(headers: Mapping[str, str], record: Mapping[str, Any]) -> bool:
    """Whether `If-Unmodified-Since` lets the change through: a weak check, in whole seconds.

    An ETag exists for accounts only, so opportunities have no other precondition. An invalid date
    is a 400. Source: "Conditional Request Headers" (read 2026-11-30).
    """
    wanted = headers.get("If-Unmodified-Since")
    if wanted is None:
        return True
    try:
        at = parsedate_to_datetime(wanted)
    except ValueError:
        said = "Invalid value for header If-Unmodified-Since"
        raise SalesforceError(400, "INVALID_HEADER_VALUE", said) from None
    return datetime.fromisoformat(str(record["LastModifiedDate"])) <= at


def _basic(header: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    key, _, secret = text.partition(":")
    return key, secret


def _oauth_error(code: str, description: str) -> web.Response:
    return web.json_response({"error": code, "error_description": description}, status=400)
