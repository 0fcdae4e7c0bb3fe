"""Live: tells open pages by server-sent events that what they show has changed, and nothing of it.

What a page shows is read again by the page, with the reader's own rights. One look a second serves
all pages on the same thing, however many there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus

import structlog
from aiohttp import web

from countersign.approvals.errors import CountersignError
from countersign.approvals.models import RequestId
from countersign.bot.api.operation import MAX_ID_CHARS, Services
from countersign.bot.inbox import guard
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.shell import HOME, Visit
from countersign.connectors.system import Route

log = structlog.get_logger(__name__)

EVERY_S = 1.0
PULSE_S = 20.0
"""A line is sent so often, so that whoever is in between does not take the connection for dead."""
STREAMS = 500
"""So many pages are told at once; others are as they were when they were opened."""
LONGEST_S = 15 * 60.0
"""Then the browser comes again, and it is looked again who it is."""
Look = Callable[[], Awaitable[str]]


class Watch:
    """One thing that pages look at."""

    def __init__(self, look: Look):
        self._look, self._pages, self._seen = look, set[asyncio.Event](), ""
        self._task: asyncio.Task[None] | None = None

    def join(self, event: asyncio.Event) -> None:
        """Set the event at each change from now on, and once at the beginning: what has changed
        since the page was drawn is not known here. For the first page the first look does that."""
        self._pages.add(event)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="live")
        else:
            event.set()

    def leave(self, event: asyncio.Event) -> bool:
        """Whether nobody is left."""
        self._pages.discard(event)
        if not self._pages and self._task is not None:
            self._task.cancel()
        return not self._pages

    async def _run(self) -> None:
        while True:
            try:
                now = await self._look()
            except CountersignError as error:
                log.debug("not looked", error=str(error))
            except Exception as error:  # a loop: whatever it is, the pages hear of what comes next
                log.error("not looked", exc_info=error)
            else:
                if now != self._seen:
                    self._seen = now
                    for event in self._pages:
                        event.set()
            await asyncio.sleep(EVERY_S)


class Live:
    """The stream of events."""

    def __init__(self, pages: Pages, services: Services):
        self._pages, self._services = pages, services
        self._watches: dict[str, Watch] = {}
        self._streams = 0
        self._closing = asyncio.Event()

    def routes(self) -> Sequence[Route]:
        """Its address."""
        return [Route("GET", f"{HOME}/live", self.stream)]

    async def close(self, _: web.Application) -> None:
        """End all streams: the server stops, and waits for nobody."""
        self._closing.set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Say `changed` at the beginning, and whenever something has."""
        visit = await self._pages.shell.visit(request)
        if visit.person is None or self._streams >= STREAMS:
            raise web.HTTPNoContent  # after which browsers do not come again
        name, look = await self._asked(visit)
        self._streams += 1
        try:
            return await self._told(visit, name, look)
        finally:
            self._streams -= 1

    async def _asked(self, visit: Visit) -> tuple[str, Look]:
        """What the page shows. Raises NotFoundError for what the reader may not see."""
        records, reader = self._services.records, visit.reader
        request_id = visit.request.query.get("request", "")[:MAX_ID_CHARS].replace("\0", "")
        session_id = visit.request.query.get("session", "")[:MAX_ID_CHARS].replace("\0", "")
        if session_id:
            await records.require_session_seen(reader, session_id)
            await records.session(session_id)
            return f"session:{session_id}", lambda: self._session(session_id)
        if not request_id:
            return f"waiting:{reader.id}", lambda: self._waiting(reader.id)
        await records.require_seen(reader, request_id)
        await records.request(RequestId(request_id))
        return f"request:{request_id}", lambda: self._request(RequestId(request_id))

    async def _request(self, request_id: RequestId) -> str:
        records = self._services.records
        request = await records.request(request_id)
        votes, deliveries = await records.votes(request_id), await records.deliveries(request_id)
        held = [pause.id for pause in await records.pauses()]
        questions = await records.questions([request])
        return _hash(request.model_dump_json(), *votes, *deliveries, *held, questions)

    async def _session(self, session_id: str) -> str:
        session = await self._services.records.session(session_id)
        newest = await self._services.records.requests(session_id=session_id, limit=30, newest=True)
        return _hash(session.model_dump_json(), *((each.id, each.status) for each in newest.items))

    async def _waiting(self, person_id: str) -> str:
        person = self._services.directory.by_id(person_id)
        if person is None:
            return ""
        found = await self._services.records.mine(person, limit=30)
        return _hash(*((each.id, each.digest, each.stage) for each in found.items))

    async def _told(self, visit: Visit, name: str, look: Look) -> web.StreamResponse:
        response = web.StreamResponse(
            status=HTTPStatus.OK, headers={**guard.HEADERS, "Content-Type": "text/event-stream"}
        )
        watch = self._watches.setdefault(name, Watch(look))
        event = asyncio.Event()
        watch.join(event)
        try:
            with suppress(ConnectionResetError, TimeoutError):  # also before it has begun
                await response.prepare(visit.request)
                await response.write(b"retry: 2000\n\n")
                async with asyncio.timeout(LONGEST_S):
                    while not self._closing.is_set() and await self._is_signed_in(visit):
                        await self._next(event, response)
        finally:
            if watch.leave(event):
                self._watches.pop(name, None)
        return response

    async def _next(self, event: asyncio.Event, response: web.StreamResponse) -> None:
        changed, closing = (
            asyncio.ensure_future(event.wait()),
            asyncio.ensure_future(self._closing.wait()),
        )
        try:
            await asyncio.wait(
                {changed, closing}, timeout=PULSE_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            changed.cancel()
            closing.cancel()
        if event.is_set():
            event.clear()
            await response.write(b"event: changed\ndata: 1\n\n")
        else:
            await response.write(b": \n\n")

    async def _is_signed_in(self, visit: Visit) -> bool:
        session = await self._pages.shell.sessions.find(visit.cookie, touch=False)
        return session is not None


def _hash(*parts: object) -> str:
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()
