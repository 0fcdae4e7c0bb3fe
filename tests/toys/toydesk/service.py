"""The ticket service itself, with an API for us, methods for people, and failures on demand."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from aiohttp import web
from aiohttp.test_utils import TestServer

ACCOUNT, TOKEN, SECRET = "bot", "toydesk-token", "toydesk-webhook-secret"
WRITES = ("POST", "PATCH")


@dataclass
class Ticket:
    """A ticket as the API gives it."""

    id: str
    key: str
    order: str
    text: str
    made_by: str
    text_by: str
    number: int = 0
    """Of its latest change, counted over the whole service."""
    state: str = "waiting"
    open: bool = True
    history: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)


class ToyDesk:
    """A running service. What people do is told to `hook_url`, where there is one."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.url = self.hook_url = ""
        self.retry_after_s: int | None = None
        self.is_busy = self.loses_answer = False
        self.calls = 0
        self._numbers = itertools.count(1)
        self._now = 0
        self._telling: set[asyncio.Task[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[ToyDesk]:
        """The service on a free port of this machine."""
        desk = cls()
        app = web.Application(middlewares=[desk._guard])
        app.router.add_get("/me", desk._me)
        app.router.add_get("/tickets", desk._list)
        app.router.add_post("/tickets", desk._create)
        app.router.add_get("/tickets/{id}", desk._get)
        app.router.add_patch("/tickets/{id}", desk._patch)
        app.router.add_post("/tickets/{id}/comments", desk._comment)
        async with TestServer(app) as server:
            desk.url = str(server.make_url("")).rstrip("/")
            yield desk
            await asyncio.gather(*desk._telling)

    # What people do

    def make(self, order: str, by: str, text: str = "Mine.") -> Ticket:
        """A new ticket."""
        number = self._next()
        ticket = Ticket(str(1000 + number), f"TOY-{number}", order, text, by, by, number)
        self.tickets[ticket.id] = ticket
        return ticket

    def say(self, ticket_id: str, by: str, text: str, key: str = "") -> None:
        """Comment, once for each key."""
        ticket = self.tickets[ticket_id]
        if key and any(comment["key"] == key for comment in ticket.comments):
            return
        number = self._changed(ticket)
        ticket.comments.append({"number": number, "by": by, "text": text, "key": key})

    def set(self, ticket_id: str, by: str, state: str) -> None:
        """Bring it into a state."""
        ticket = self.tickets[ticket_id]
        if ticket.state == state:
            return
        number, at = self._changed(ticket), datetime.now(UTC).isoformat()
        ticket.state = state
        entry = {"id": f"h{number}", "number": number, "at": at, "by": by, "by_name": by.title()}
        ticket.history.append({**entry, "state": state})

    def edit(self, ticket_id: str, by: str, text: str) -> None:
        """Replace the text."""
        ticket = self.tickets[ticket_id]
        ticket.text, ticket.text_by = text, by
        self._changed(ticket)

    def delivery(self, ticket_id: str, event: str = "changed") -> tuple[dict[str, str], bytes]:
        """Headers and body of a webhook about it."""
        said = {"event": event, "ticket": ticket_id, "delivery": f"d-{self._now}-{ticket_id}"}
        body = json.dumps(said).encode()
        signed = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        return {"X-ToyDesk-Signature": signed}, body

    # The API

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls += 1
        if self.is_busy:
            wait = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
            return web.Response(status=429, headers=wait)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401)
        answer: web.StreamResponse = await handler(request)
        if self.loses_answer and request.method in WRITES and request.transport is not None:
            self.loses_answer = False
            request.transport.close()
        return answer

    async def _me(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"account": ACCOUNT})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        wanted: Callable[[Ticket], bool] = lambda ticket: ticket.open  # noqa: E731
        if "order" in query:
            wanted = lambda ticket: ticket.order == query["order"]  # noqa: E731
        elif "since" in query:
            wanted = lambda ticket: ticket.number > int(query["since"])  # noqa: E731
        found = [asdict(ticket) for ticket in self.tickets.values() if wanted(ticket)]
        return web.json_response({"tickets": found, "number": self._now})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()
        return web.json_response(asdict(self.make(said["order"], ACCOUNT, said["text"])))

    async def _get(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(asdict(self._known(request)))

    async def _patch(self, request: web.Request) -> web.StreamResponse:
        ticket, said = self._known(request), await request.json()
        if "text" in said:
            self.edit(ticket.id, ACCOUNT, said["text"])
        ticket.open = said.get("open", ticket.open)
        newest = ticket.history[-1]["id"] if ticket.history else ""
        if "state" in said and said.get("if_newest", newest) == newest:
            self.set(ticket.id, ACCOUNT, said["state"])
        return web.json_response(asdict(ticket))

    async def _comment(self, request: web.Request) -> web.StreamResponse:
        ticket, said = self._known(request), await request.json()
        self.say(ticket.id, ACCOUNT, said["text"], said["key"])
        return web.json_response(asdict(ticket))

    def _known(self, request: web.Request) -> Ticket:
        found = self.tickets.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    def _next(self) -> int:
        self._now = next(self._numbers)
        return self._now

    def _changed(self, ticket: Ticket) -> int:
        ticket.number = self._next()
        if self.hook_url:
            headers, body = self.delivery(ticket.id)
            task = asyncio.create_task(self._tell(headers, body))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)
        return ticket.number

    async def _tell(self, headers: dict[str, str], body: bytes) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.post(self.hook_url, content=body, headers=headers)
