"""The HTTP side of the help desk.

Like Zendesk: basic authentication as `{address}/token:{token}`, `safe_update` with `updated_stamp`
that answers 409 `UpdateConflict`, no idempotency keys for updates, `metadata.custom` that comes
back in the audits, errors as `{"error", "description"}`. Source: developer.zendesk.com, "Creating
and updating tickets" (protecting against ticket update collisions; setting metadata), "Search
articles", read 2026-11-30.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._faults import CONTROL_PREFIX, Fault, Faults
from countersign.sandbox._page import page, pre, table, tag
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application
from countersign.sandbox.zendesk import shapes
from countersign.sandbox.zendesk.store import ZendeskStore

USER, TOKEN = "agent@helpdesk.example", "zendesk-sandbox-token"
API = "/api/v2"


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Comment(_Given):
    """What is said."""

    body: str = Field(min_length=1, max_length=65_535)
    public: bool = True


class Metadata(_Given):
    """Comes back in the audits."""

    custom: dict[str, str] = Field(default_factory=dict)


class Update(_Given):
    """`ticket` of `PUT /tickets/{id}.json`."""

    comment: Comment | None = None
    status: str | None = None
    safe_update: bool = False
    updated_stamp: str | None = None
    metadata: Metadata = Metadata()


class Body(_Given):
    """Body of `PUT /tickets/{id}.json`."""

    ticket: Update


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": code, "description": message}, status=status)


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {"error": fault.code or "InternalError", "description": "Not right now."}


class Zendesk:
    """A help desk that is running."""

    def __init__(self, store: ZendeskStore) -> None:
        self._store, self.url = store, ""
        self.faults, self._recorder = Faults(), Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[Zendesk]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        store = ZendeskStore(db_path)
        desk = cls(store)
        app = application(desk.faults, desk._recorder, _fault_body, desk._refuse)
        one = API + "/tickets/{id:\\d+}"
        app.add_routes(
            [
                web.get("/", desk._page),
                web.get(API + "/help_center/articles/search.json", desk._search),
                web.get(one + ".json", desk._ticket),
                web.put(one + ".json", desk._update),
                web.get(one + "/comments.json", desk._comments),
                web.get(one + "/audits.json", desk._audits),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as desk.url:
                yield desk
        finally:
            store.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def effects(self) -> list[dict[str, Any]]:
        """Every change that was made by the API, oldest first."""
        return self._store.effects.all()

    def ticket(self, ticket_id: int) -> dict[str, Any]:
        """A ticket as it is now."""
        return self._store.ticket(ticket_id)

    def comments(self, ticket_id: int) -> list[dict[str, Any]]:
        """What was said, oldest first."""
        return self._store.comments(ticket_id)

    def write(self, ticket_id: int, author: str, body: str) -> None:
        """Somebody writes in the meantime, past the API and its log."""
        self._store.update(
            ticket_id, stamp=None, status="open", comment=(body, True), author=author, metadata={}
        )

    def note(self, ticket_id: int, author: str, body: str) -> None:
        """A colleague writes what the customer does not see."""
        self._store.update(
            ticket_id, stamp=None, status=None, comment=(body, False), author=author, metadata={}
        )

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "user": USER, "token": TOKEN}

    @property
    def _refuse(self) -> Any:
        expected = base64.b64encode(f"{USER}/token:{TOKEN}".encode()).decode()

        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Ask for the token except on the page, and write refusals as JSON."""
            if request.path != "/" and not request.path.startswith(CONTROL_PREFIX):
                given = request.headers.get("Authorization", "")
                if not secrets.compare_digest(given.encode(), f"Basic {expected}".encode()):
                    return _error(401, "Couldn't authenticate you", "Send a valid token.")
            try:
                return await handler(request)
            except RefusedError as error:
                return _error(error.status, error.code, error.message)

        return refuse

    async def _search(self, request: web.Request) -> web.Response:
        found = self._store.search(request.query.get("query", ""))
        shown = [shapes.article(each, self.url) for each in found]
        return self._list(request, "results", shown)

    async def _ticket(self, request: web.Request) -> web.Response:
        number = _number(request)
        who = [self._store.ticket(number)["requester"]]
        return web.json_response({"ticket": self._shown(number), **self._beside(request, who)})

    async def _comments(self, request: web.Request) -> web.Response:
        found = self._store.comments(_number(request))
        shown = [shapes.comment(each, self._store.user(each["author"])["id"]) for each in found]
        return self._list(request, "comments", shown, [each["author"] for each in found])

    async def _audits(self, request: web.Request) -> web.Response:
        found = self._store.comments(_number(request))
        return self._list(request, "audits", [self._audit(each) for each in found])

    async def _update(self, request: web.Request) -> web.Response:
        try:
            given = Body.model_validate_json(await request.read()).ticket
        except ValidationError as error:
            raise RefusedError(
                422, "RecordInvalid", f"Record validation errors: {error}"
            ) from error
        if given.safe_update and not given.updated_stamp:
            raise RefusedError(422, "RecordInvalid", "safe_update needs updated_stamp")
        number, comment = _number(request), given.comment
        self._store.update(
            number,
            stamp=given.updated_stamp if given.safe_update else None,
            status=given.status,
            comment=None if comment is None else (comment.body, comment.public),
            author=USER,
            metadata=dict(given.metadata.custom),
        )
        about = {
            "ticket_id": number,
            "status": given.status,
            "reply": None if comment is None else comment.body,
        }
        self._store.effects.note("update_ticket", about, given.metadata.custom.get("execution"))
        audit = self._audit(self._store.comments(number)[-1])
        return web.json_response({"ticket": self._shown(number), "audit": audit})

    def _shown(self, number: int) -> shapes.Shape:
        row, (first, *_) = self._store.ticket(number), self._store.comments(number)
        return shapes.ticket(row, first, self.url, self._store.user(row["requester"])["id"])

    def _audit(self, comment: Mapping[str, Any]) -> shapes.Shape:
        return shapes.audit(comment, self._store.user(comment["author"])["id"])

    def _beside(self, request: web.Request, emails: Iterable[str]) -> shapes.Shape:
        """Whoever is concerned, if that is asked for."""
        if "users" not in request.query.get("include", "").split(","):
            return {}
        users = [self._store.user(email) for email in dict.fromkeys(emails)]
        return {"users": [shapes.user(each, self.url) for each in users]}

    def _list(
        self,
        request: web.Request,
        name: str,
        found: Sequence[shapes.Shape],
        emails: Iterable[str] = (),
    ) -> web.Response:
        page = shapes.paged(name, found, request.query, f"{self.url}{request.path}")
        return web.json_response({**page, **self._beside(request, emails)})

    async def _page(self, _: web.Request) -> web.Response:
        rows = []
        for ticket in self._store.tickets():
            said = self._store.comments(ticket["id"])[-1]
            last = pre(f"{said['author']}:\n{said['body']}")
            state = tag(ticket["status"])
            rows.append((ticket["id"], ticket["subject"], ticket["requester"], state, last))
        articles = [(a["title"], a["body"]) for a in self._store.rows("SELECT * FROM articles")]
        return page(
            "Help desk",
            "A stand-in: what was really answered shows up here.",
            [
                table("Tickets", ("No.", "Subject", "From", "State", "Last"), rows, empty="None."),
                table("Articles", ("Title", "Text"), articles, empty="None."),
            ],
        )


def _number(request: web.Request) -> int:
    return int(request.match_info["id"])
