"""The HTTP side: mail, suppressions, activity.

Sources: SendGrid API reference, "Mail Send", "Suppressions" and "Email Activity"
(twilio.com/docs/sendgrid/api-reference, read 2026-11-30).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.sendgrid.mail import MailError, read
from countersign.sandbox.sendgrid.store import BOUNCE, GLOBAL, GROUPS, SPAM, MailStore
from countersign.sandbox.sendgrid.view import overview

API_KEY = "sendgrid-sandbox-key"
SENDER = "news@countersign.example"
"""The one verified sender."""
_QUERY = re.compile(
    r"\s*\(?\s*unique_args\['(?P<name>[^']+)'\]\s*=\s*\"(?P<value>[^\"]*)\"\s*\)?\s*"
)


def _errors(status: int, message: str, field: str | None = None) -> web.Response:
    error = {"message": message, "field": field, "help": None}
    return web.json_response({"errors": [error]}, status=status)


def _fault_body(fault: Fault) -> Any:
    message = "too many requests" if fault.status == 429 else "internal error"
    return {"errors": [{"message": message, "field": None, "help": None}]}


class SendGrid:
    """The API, running: what was sent, who does not want it, and its bad days."""

    def __init__(self, store: MailStore) -> None:
        self.store = store
        self.url = ""
        self.faults = Faults()
        self._recorder = Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[SendGrid]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        api = cls(MailStore(db_path))
        app = application(api.faults, api._recorder, _fault_body, api._refuse)
        app.add_routes(
            [
                web.get("/", api._page),
                web.post("/v3/mail/send", api._send),
                web.get("/v3/messages", api._messages),
                web.get("/v3/categories", api._categories),
                web.get("/v3/asm/groups", api._groups),
                web.get("/v3/asm/suppressions/global/{email}", api._global),
                web.get("/v3/asm/suppressions/{email}", api._of_groups),
                web.get("/v3/suppression/{kind:bounces|spam_reports}/{email}", api._of_mail),
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
        """Every mail that reached somebody, oldest first.

        `{n, at, action, arguments, idempotency_key}` each; the key is the execution that the mail
        carries.
        """
        return self.store.effects.all()

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {
            "url": self.url,
            "api_key": API_KEY,
            "from": SENDER,
            "group": next(iter(GROUPS)),
        }

    @property
    def _refuse(self) -> Any:
        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Ask for the API key, and write refusals as SendGrid does."""
            if request.path.startswith("/v3/"):
                given = request.headers.get("Authorization", "").removeprefix("Bearer ")
                if not secrets.compare_digest(given.encode(), API_KEY.encode()):
                    said = "The provided authorization grant is invalid, expired, or revoked"
                    return _errors(401, said)
            try:
                return await handler(request)
            except MailError as error:
                return _errors(error.status, error.message, error.field)

        return refuse

    async def _send(self, request: web.Request) -> web.Response:
        try:
            body = await request.json()
        except ValueError:
            raise MailError(400, "Bad Request") from None
        mails = read(body)
        for mail in mails:
            if mail.sender.lower() != SENDER:
                said = (
                    "The from address does not match a verified Sender Identity. Mail cannot be "
                    "sent until this error is resolved."
                )
                raise MailError(403, said, "from")
            if mail.group is not None and mail.group not in GROUPS:
                raise MailError(400, "The group_id is invalid.", "asm.group_id")
        message = self.store.send(mails)
        # "Your message is both valid, and queued to be delivered": nothing about who gets it.
        return web.Response(status=202, headers={"X-Message-Id": message})

    async def _messages(self, request: web.Request) -> web.Response:
        asked = _QUERY.fullmatch(request.query.get("query", ""))
        if asked is None or not request.query.get("limit", "").isdigit():
            raise MailError(400, "invalid query", "query")
        found = [
            {
                "from_email": row["sender"],
                "msg_id": f"{row['msg_id']}.{row['n']}",
                "subject": row["subject"],
                "to_email": row["recipient"],
                "status": row["status"],
                "opens_count": 0,
                "clicks_count": 0,
                "last_event_time": row["at"],
            }
            for row in self.store.messages()
            if row["custom_args"].get(asked["name"]) == asked["value"]
        ]
        return web.json_response({"messages": found[: int(request.query["limit"])]})

    async def _categories(self, _: web.Request) -> web.Response:
        names = {name for row in self.store.messages() for name in row["categories"]}
        return web.json_response([{"category": name} for name in sorted(names)])

    async def _groups(self, _: web.Request) -> web.Response:
        found = [
            {"id": number, "name": name, "description": name, "is_default": False}
            for number, name in GROUPS.items()
        ]
        return web.json_response(found)

    async def _global(self, request: web.Request) -> web.Response:
        email = request.match_info["email"]
        known = self.store.suppressed(GLOBAL, email)
        return web.json_response({"recipient_email": email} if known else {})

    async def _of_groups(self, request: web.Request) -> web.Response:
        email = request.match_info["email"]
        found = [
            {
                "id": number,
                "name": name,
                "description": name,
                "is_default": False,
                "suppressed": self.store.suppressed(str(number), email) is not None,
            }
            for number, name in GROUPS.items()
        ]
        return web.json_response({"suppressions": found})

    async def _of_mail(self, request: web.Request) -> web.Response:
        kind = BOUNCE if request.match_info["kind"] == "bounces" else SPAM
        known = self.store.suppressed(kind, request.match_info["email"])
        if known is None:
            return web.json_response([])
        entry = {"created": known["created"], "email": known["email"], "reason": known["reason"]}
        return web.json_response([entry])

    async def _page(self, _: web.Request) -> web.Response:
        return overview(self.store)
