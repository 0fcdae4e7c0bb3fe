"""Answering: one attempt to have the proposing agent answer a question, beside its session.

An attempt is leased for a time: whoever finds that it has ended without an answer makes another
one, a few times at most. The session itself is neither leased nor written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.asking import Asking
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.question_writes import QuestionWrites
from countersign.approvals.decisions.questions import MAX_ANSWER
from countersign.approvals.decisions.second_thoughts import (
    AS_IT_STANDS,
    SecondThought,
    SecondThoughts,
    is_same,
)
from countersign.approvals.errors import StaleDigestError
from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import (
    AnsweredBy,
    JsonObject,
    LookUp,
    Proposal,
    Question,
    QuestionStatus,
    Request,
    RequestStatus,
    Reversibility,
    Session,
    StoredChat,
    Via,
)
from countersign.approvals.models.questions import of_question_id
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.pausing import among
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import pauses as pause_rows
from countersign.approvals.store import questions as rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

ATTEMPTS = 3
"""How often the agent is asked one question: a server may die, its model may be away."""
AGAIN = timedelta(seconds=5)
LEASE = timedelta(seconds=120)
"""Longer than a side conversation may take: see `agents.side_conversations`."""
GAVE_UP = f"It was tried {ATTEMPTS} times, and came to nothing."
NOT_READ_ONLY = "Only what changes nothing (read_only) is run while a question is answered."
NOT_ALLOWED = "Its rule does not let it run without people."
TAKES_BACK, CHANGES = "I take this back. {reason}", "I change this. {reason}"
"""What the answer begins with, where it is more than an answer."""
_NO_LEASE = 0
"""The epoch of a run that may write nothing: every write compares it."""

Foresee = Callable[[Run, Sequence[Proposal]], Awaitable[Sequence[Request]]]


@dataclass(frozen=True)
class Side:
    """One attempt: the question, those answered before, and the chat that waits, to be read."""

    question: Question
    earlier: tuple[Question, ...]
    request: Request
    session: Session
    chat: StoredChat | None
    attempt: int

    @property
    def run(self) -> Run:
        """Of the session, without a lease on it."""
        return Run(session=self.session, epoch=_NO_LEASE, chat=self.chat, batch=())


class Answering:
    """What `agents.side_conversations` calls."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        policies: Policies,
        outbox: Outbox,
        foresee: Foresee,
        asking: Asking,
    ):
        self._store, self._moments, self._policies = store, moments, policies
        self._foresee, self._writes = foresee, QuestionWrites(outbox)
        self._second_thoughts = SecondThoughts(asking, outbox)

    async def begin(self, question_id: str) -> Side | None:
        """Have the agent asked here; None if it is not due, or was tried too often."""

        def work(unit: Unit) -> Side | None:
            key = of_question_id(question_id)
            if key is None:
                return None
            request_rows.lock(unit, key[0])
            until = unit.now + LEASE
            attempt = rows.take(unit.connection, *key, unit.now, until)
            if attempt is None:
                return None
            side = _side(unit, key[0], question_id, attempt)
            if attempt > ATTEMPTS:
                self._hand_over(unit, side, GAVE_UP, ())
                return None
            return side

        return await self._store.unit(work, self._moments.now())

    def is_read_only(self, tool: str) -> bool:
        """Whether a call of it changes nothing, by what its workflow or the policy says."""
        return self._policies.current.book.reversibility(tool) is Reversibility.READ_ONLY

    async def let_run(self, side: Side, proposal: Proposal) -> Request | str:
        """The call as it may run now beside the session, or why it may not. Nothing is stored, and
        nobody is asked."""
        if not self.is_read_only(proposal.call.tool):
            return NOT_READ_ONLY
        (request,) = await self._foresee(side.run, [proposal])
        decision = request.decision
        by_rule = decision is not None and decision.via == Via.POLICY
        if request.status is not RequestStatus.APPROVED or not by_rule:
            return request.reason or NOT_ALLOWED
        domains = self._policies.current.document.domains
        pauses = await self._store.read(pause_rows.active)
        held = among(pauses, request, side.session, domains)
        return f"It is {held[0].words}" if held else request

    async def reason_against(self, side: Side, instead: Proposal) -> str | None:
        """Why the agent may not propose this call instead; None if people can be asked about it.
        Nothing is stored, and nobody is asked."""
        if is_same(side.request, instead):
            return AS_IT_STANDS
        (request,) = await self._foresee(side.run, [instead])
        if request.status in (RequestStatus.PENDING, RequestStatus.APPROVED):
            return None
        return request.reason

    async def answered(self, side: Side, text: str, calls: Sequence[LookUp]) -> None:
        """The agent's answer. Nothing if the request is decided. Raises ConflictError if somebody
        else has answered."""
        by = _by_agent(side, text, calls)

        def work(unit: Unit) -> None:
            if (request := _still_open(unit, side)) is not None:
                around = (request, side.session, side.question, by)
                self._writes.answered(unit, *around, identity="", attempt=side.attempt)

        await self._store.unit(work, self._moments.now())

    async def thought_better(
        self, side: Side, thought: SecondThought, calls: Sequence[LookUp]
    ) -> None:
        """The agent takes its proposal back or changes it, and that is its answer. Nothing if the
        request is decided, or nobody could decide it in time any more.

        Raises as `answered`; StaleDigestError if somebody has changed the request meanwhile.
        """
        text = TAKES_BACK if thought.instead is None else CHANGES
        by = _by_agent(side, text.format(reason=thought.reason), calls)

        def work(unit: Unit) -> None:
            request = _still_open(unit, side)
            if request is None or (
                request.expires_at is not None and request.expires_at <= unit.now
            ):
                return
            if request.digest != side.request.digest:
                raise StaleDigestError(f"Request {request.id} was changed while it was asked.")
            around = (request, side.session, side.question)
            self._writes.answered(unit, *around, by, identity="", attempt=side.attempt)
            self._second_thoughts.think(unit, *around, thought)

        await self._store.unit(work, self._moments.now())

    async def unanswered(self, side: Side, why: str, calls: Sequence[LookUp] = ()) -> None:
        """The agent cannot answer: whoever the session belongs to is asked. Raises as
        `answered`."""

        def work(unit: Unit) -> None:
            if _still_open(unit, side) is not None:
                self._hand_over(unit, side, why, calls)

        await self._store.unit(work, self._moments.now())

    async def again(self, side: Side, why: str) -> None:
        """This attempt has failed for now; another one is made in a while, if not too many were."""
        if side.attempt >= ATTEMPTS:
            await self.unanswered(side, why)
        else:
            await self._put_down(side, AGAIN, counts=True)

    async def release(self, side: Side) -> None:
        """This server stops: another one asks the agent."""
        await self._put_down(side, timedelta(), counts=False)

    async def _put_down(self, side: Side, wait: timedelta, *, counts: bool) -> None:
        at = self._moments.now().now + wait

        def statement(connection: Connection) -> None:
            rows.put_down(connection, side.question, attempt=side.attempt, at=at, counts=counts)

        await self._store.write(statement)

    def _hand_over(self, unit: Unit, side: Side, why: str, calls: Sequence[LookUp]) -> None:
        around = (side.request, side.session, side.question)
        self._writes.hand_over(unit, *around, why, calls, attempt=side.attempt)


def _by_agent(side: Side, text: str, calls: Sequence[LookUp]) -> JsonObject:
    return {
        "answer": cut_visibly(well_formed(text).strip(), MAX_ANSWER),
        "answered_by": AnsweredBy.AGENT,
        "answerer": side.request.agent,
        "answerer_name": side.request.agent,
        "answered_via": "",
        "calls": tuple(calls),
    }


def _side(unit: Unit, request_id: str, question_id: str, attempt: int) -> Side:
    request, session = request_rows.with_session(unit, request_id)
    known = rows.of_request(unit.connection, request_id)
    (question,) = (each for each in known if each.id == question_id)
    answered = tuple(each for each in known if each.status is QuestionStatus.ANSWERED)
    chat = session_rows.chat(unit.connection, session.id)
    return Side(question, answered, request, session, chat, attempt)


def _still_open(unit: Unit, side: Side) -> Request | None:
    """The request as it is, if it is not decided. Its questions are dropped otherwise."""
    request_rows.lock(unit, side.request.id)
    request, _ = request_rows.with_session(unit, side.request.id)
    return request if request.status is RequestStatus.PENDING else None
