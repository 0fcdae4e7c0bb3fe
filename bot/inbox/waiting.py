"""What waits for the reader: the first page, with search, filters, and bundles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web

from countersign.approvals.decisions.together import MOST
from countersign.approvals.errors import CountersignError
from countersign.approvals.forms.canaries import is_canary
from countersign.approvals.models import (
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Risk,
    Verdict,
)
from countersign.approvals.rules.wanted import Order, Wanted
from countersign.bot.api.operation import MAX_ID_CHARS, Services
from countersign.bot.inbox.pages import Form, Pages
from countersign.bot.inbox.shell import HOME, Visit
from countersign.bot.inbox.shown import Card, card_of, is_soon
from countersign.bot.inbox.words import N_
from countersign.connectors.receiving import VoteAttempt, VoteResult, receive
from countersign.connectors.receiving_together import TogetherAttempt, receive_together
from countersign.connectors.system import Route

PAGE = 30
MAX_TEXT = 200
DUE = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
FIELDS = ("q", "risk", "due", "sort")
SORTS = {
    Order.OLDEST: N_("oldest first"),
    Order.NEWEST: N_("newest first"),
    Order.DUE: N_("next deadline first"),
    Order.RISK: N_("highest risk first"),
}
PICK = "pick."
"""Before the id of a request in the form of a bundle; the value is its digest."""
INSTEAD = "Open the request to change its arguments, approve without that comment, or reject."
TEST = N_("This was a test. Its page says what would have been right.")
DONE = {
    VoteResult.DECIDED: N_("Your decision counts."),
    VoteResult.COUNTED: N_("Your vote counts. Others have to decide it, too."),
}


@dataclass(frozen=True)
class Group:
    """Requests that were proposed together and wait together; or a single one."""

    cards: Sequence[Card]

    @property
    def is_bundle(self) -> bool:
        """Whether they can be decided at once."""
        return len(self.cards) > 1


@dataclass(frozen=True)
class Done:
    """What came of one vote of a bundle."""

    title: str
    path: str
    ok: bool
    text: str


class WaitingPage:
    """The list, and votes on several of it."""

    def __init__(self, pages: Pages, services: Services):
        self._pages, self._records = pages, services.records
        self._approvals, self._clock = services.approvals, pages.shell.clock

    def routes(self) -> Sequence[Route]:
        """Its addresses."""
        return [
            Route("GET", HOME, self._pages.look(self.show)),
            Route("POST", f"{HOME}/bundle", self._pages.act(self.decide)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The requests that the reader may decide now and that fit, in the order they like."""
        asked = _asked(visit.request.query)
        wanted = self._wanted(asked)
        cursor = visit.request.query.get("cursor")
        order = Order(asked["sort"]) if asked["sort"] in set(Order) else Order.OLDEST
        if wanted.is_all and order is Order.OLDEST:
            found = await self._records.mine(visit.reader, limit=PAGE, cursor=cursor)
        else:
            found = await self._records.search(
                visit.reader, wanted, order=order, limit=PAGE, cursor=cursor
            )
        further = ""
        if found.next is not None:
            further = f"{HOME}?{urlencode({**asked, 'cursor': found.next})}"
        here = f"{HOME}?{urlencode({**asked, **({'cursor': cursor} if cursor else {})})}"
        return self._pages.shell.page(
            visit,
            "waiting_list.html" if "part" in visit.request.query else "waiting.html",
            groups=await self._groups(found.items),
            further=further,
            asked=asked,
            sorts=SORTS,
            order=order,
            is_all=wanted.is_all,
            is_first=cursor is None,
            here=here,
            pick=PICK,
            is_soon=is_soon,
        )

    def _wanted(self, asked: Mapping[str, str]) -> Wanted:
        span = DUE.get(asked["due"])
        risk = asked["risk"]
        return Wanted(
            text=asked["q"],
            risk=Risk(risk) if risk in set(Risk) else None,
            due_before=None if span is None else self._clock.now() + span,
        )

    async def _groups(self, requests: Sequence[Request]) -> Sequence[Group]:
        sessions = await self._records.sessions_of(requests)
        around = await self._records.around([request.id for request in requests])
        groups: dict[str, list[Card]] = {}
        for request in requests:
            session, (votes, _) = sessions[request.session_id], around[request.id]
            asker = self._records.views.person(request.requester)
            card = card_of(
                request,
                self._records.views.schema(session, request.tool),
                self._records.views.steps(request, votes, session),
                asker.name if asker else request.requester,
            )
            is_tool = request.kind is RequestKind.TOOL
            groups.setdefault(request.checkpoint_id if is_tool else request.id, []).append(card)
        return [Group(cards) for cards in groups.values()]

    async def decide(self, visit: Visit, form: Form) -> web.StreamResponse:
        """Vote on each that was chosen: at once on those that were proposed together, if all of
        them count; else each counts or not for itself."""
        verdict = Verdict.APPROVE if form.text("verdict") == "approve" else Verdict.REJECT
        chosen = [
            (RequestId(name.removeprefix(PICK)), digest)
            for name, digest in form.fields.items()
            if name.startswith(PICK) and len(name) <= MAX_ID_CHARS
        ]
        shown = {} if form.is_kept else dict(chosen[:MOST])
        done = await self._together(visit, shown, verdict, form) if len(shown) > 1 else None
        if done is None:
            each = [self._voted(visit, of, shown[of], verdict, form) for of in shown]
            done = [await vote for vote in each]
        return self._pages.shell.page(
            visit,
            "bundle.html",
            status=HTTPStatus.OK,
            done=done,
            kept=form.is_kept,
            comment=form.text("comment"),
        )

    async def _together(
        self, visit: Visit, shown: Mapping[RequestId, str], verdict: Verdict, form: Form
    ) -> Sequence[Done] | None:
        """What came of it for each; None if they cannot be decided at once, and nothing was."""
        first = next(iter(shown))
        await self._records.require_seen(visit.reader, first)
        view = await self._records.view(first)
        fellows = {each.id: each for each in (view.request, *view.siblings)}
        for of in shown.keys() - fellows.keys():  # of another domain
            await self._records.require_seen(visit.reader, of)
            fellows[of] = await self._records.request(of)
        attempt = TogetherAttempt(shown, visit.actor, verdict, form.text("comment"), leave=True)
        try:
            together = await receive_together(self._approvals, view, attempt)
        except CountersignError:
            return None
        fellows |= {each.id: each for each in together.requests}
        return [_done(fellows[of], together.left.get(of, "")) for of in shown]

    async def _voted(
        self, visit: Visit, request_id: RequestId, digest: str, verdict: Verdict, form: Form
    ) -> Done:
        await self._records.require_seen(visit.reader, request_id)
        attempt = VoteAttempt(
            request_id=request_id,
            actor=visit.actor,
            verdict=verdict,
            digest=digest,
            comment=form.text("comment"),
            instead=INSTEAD,
        )
        outcome = await receive(self._approvals, self._records, attempt)
        request = outcome.request or await self._records.request(request_id)
        text = TEST if is_canary(request) else DONE.get(outcome.result, "")
        path = f"{HOME}/requests/{request.id}"
        return Done(request.tool, path, bool(text), text or outcome.reason)


def _done(request: Request, left: str) -> Done:
    is_over = request.status is not RequestStatus.PENDING
    text = DONE[VoteResult.DECIDED if is_over else VoteResult.COUNTED]
    return Done(request.tool, f"{HOME}/requests/{request.id}", not left, left or text)


def _asked(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query.get(name, "").replace("\0", "")[:MAX_TEXT] for name in FIELDS}
