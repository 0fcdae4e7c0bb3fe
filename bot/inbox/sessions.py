"""Sessions: the list, and one of them as a timeline from its task to its result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web

from countersign.approvals.errors import CountersignError, NotFoundError, UnavailableError
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import LedgerEntry, Session, SessionId, SessionStatus
from countersign.bot.api.operation import MAX_ID_CHARS, Services
from countersign.bot.http.problems import status_of
from countersign.bot.inbox import guard
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.shell import HOME, VERDICT, Visit, to
from countersign.bot.inbox.transcript import messages_of
from countersign.bot.inbox.words import N_
from countersign.connectors.system import Route

PATH = f"{HOME}/sessions"
PAGE = 30
EVENTS = 100
"""So many of a timeline are shown unless all are asked for."""
KINDS = {
    "session_started": N_("Started"),
    "proposed": N_("A call was proposed"),
    "voted": N_("Voted"),
    "commented": N_("Commented"),
    "vote_withdrawn": N_("A vote was taken back"),
    "decided": N_("Decided"),
    "revised": N_("Changed"),
    "opened": N_("Read in full"),
    "claimed": N_("Began to run"),
    "executed": N_("Ran"),
    "failed": N_("Ran and failed"),
    "in_doubt": N_("Nobody knows whether it took effect"),
    "doubt_settled": N_("It was found out what became of it"),
    "expired": N_("Expired"),
    "escalated": N_("Others were asked as well"),
    "reminded": N_("People were reminded"),
    "refused": N_("A vote was refused"),
    "stored": N_("The conversation was stored"),
    "held": N_("Held by a pause"),
    "undo_asked": N_("Somebody has it undone"),
    "undo_ended": N_("The undo has ended"),
    "undoing_refused": N_("An undo was refused"),
    "done_by_hand": N_("Somebody said what they did by hand"),
    "marked_wrong": N_("Somebody said that it was wrong"),
    "recording_refused": N_("What somebody did by hand was not taken"),
    "marking_refused": N_("That it was wrong was not taken"),
    "canary_ended": N_("It was a test of whether people look"),
    "session_completed": N_("Completed"),
    "session_failed": N_("Failed"),
    "session_cancelled": N_("Cancelled"),
}
_QUIET = {"stored", "checkpoint"}
"""Kinds of entries that say nothing to people."""
_TOLD = (
    "tool",
    "comment",
    "reason",
    "name",
    "by_name",
    "by",
    "via",
    "message",
    "note",
    "text",
)


@dataclass(frozen=True)
class Event:
    """One entry of the ledger, as people read it."""

    at: datetime
    title: str
    verdict: str
    """Of a vote or a decision, in words; "" of anything else."""
    parts: Sequence[str]
    """What it tells, one thing each."""
    request: str
    seq: int


class SessionPages:
    """The list, one session, and its end."""

    def __init__(self, pages: Pages, services: Services):
        self._pages, self._records, self._approvals = pages, services.records, services.approvals

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        pages = self._pages
        return [
            Route("GET", PATH, pages.look(self.list)),
            Route("GET", f"{PATH}/{{id}}", pages.look(self.show)),
            Route("GET", f"{PATH}/{{id}}/ledger.json", pages.look(self.export)),
            Route("POST", f"{PATH}/{{id}}/end", pages.act(self.end)),
        ]

    async def list(self, visit: Visit) -> web.StreamResponse:
        """Those that the reader may read, newest first."""
        query = visit.request.query
        status = query.get("status", "")
        found = await self._records.sessions(
            status=SessionStatus(status) if status in set(SessionStatus) else None,
            limit=PAGE,
            cursor=query.get("cursor"),
            reader=visit.reader,
        )
        further = ""
        if found.next is not None:
            further = f"{PATH}?{urlencode({'status': status, 'cursor': found.next})}"
        return self._pages.shell.page(
            visit,
            "sessions.html",
            sessions=[(each, self._name(each.owner)) for each in found.items],
            further=further,
            status=HTTPStatus.OK,
            chosen=status,
            statuses=[str(each) for each in SessionStatus],
        )

    async def show(self, visit: Visit) -> web.StreamResponse:
        """One of them."""
        query = visit.request.query
        return await self._draw(visit, part="part" in query, whole="all" in query)

    async def _draw(
        self,
        visit: Visit,
        *,
        part: bool = False,
        whole: bool = False,
        error: str = "",
        status: int = HTTPStatus.OK,
    ) -> web.StreamResponse:
        session = await self._session(visit)
        entries = await self._records.ledger(session.id)
        events = [_event(entry) for entry in entries if entry.kind not in _QUIET]
        hidden = 0 if whole else max(len(events) - EVENTS, 0)
        requests = await self._records.requests(session_id=session.id, limit=PAGE, newest=True)
        ends = session.status in (SessionStatus.RUNNING, SessionStatus.WAITING)
        return self._pages.shell.page(
            visit,
            "session_part.html" if part else "session.html",
            status=status,
            session=session,
            owner=self._name(session.owner),
            events=events[hidden:],
            hidden=hidden,
            requests=requests.items,
            messages=messages_of(await self._records.transcript(session.id), ""),
            can_end=ends and session.owner == visit.reader.id,
            error=error,
        )

    async def export(self, visit: Visit) -> web.StreamResponse:
        """Its ledger as JSON, to keep."""
        session = await self._session(visit)
        entries = await self._records.ledger(session.id)
        body = json.dumps([entry.model_dump(mode="json") for entry in entries], indent=1)
        named = f'attachment; filename="ledger-{session.id}.json"'
        return web.Response(
            text=body,
            content_type="application/json",
            headers={**guard.HEADERS, "Content-Disposition": named},
        )

    async def end(self, visit: Visit, form: Form) -> web.StreamResponse:
        """End it; what it asked is cancelled."""
        session = await self._session(visit)
        if not form.is_kept:
            try:
                await self._approvals.cancel(session.id, visit.actor)
            except UnavailableError:
                raise
            except CountersignError as error:
                return await self._draw(visit, error=str(error), status=status_of(error))
        return to(f"{PATH}/{session.id}")

    async def _session(self, visit: Visit) -> Session:
        session_id = visit.request.match_info["id"]
        if "\0" in session_id or len(session_id) > MAX_ID_CHARS:
            raise NotFoundError("There is no such session.")
        await self._records.require_session_seen(visit.reader, session_id)
        return await self._records.session(SessionId(session_id))

    def _name(self, person_id: str) -> str:
        person = self._records.views.person(person_id)
        return person_id if person is None else person.name


def _event(entry: LedgerEntry) -> Event:
    body = entry.body
    title = KINDS.get(entry.kind, in_words(entry.kind))
    said = [str(body[name]) for name in _TOLD if isinstance(body.get(name), str) and body[name]]
    request = body.get("request")
    return Event(
        at=entry.at,
        title=title,
        verdict=VERDICT.get(str(body.get("verdict")), ""),
        parts=tuple(dict.fromkeys(said)),
        request=request if isinstance(request, str) else "",
        seq=entry.seq,
    )
