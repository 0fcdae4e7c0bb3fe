"""Questions: what those who decide ask about a request first, and what the requester answers.

The proposing agent is asked (`approvals.decisions.answering`). What it cannot answer goes to
whoever the session belongs to. Votes count all the while, and a decision drops what is still open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.canary_ends import end_by_question
from countersign.approvals.decisions.deadlines import Deadlines
from countersign.approvals.decisions.editing import as_of_now
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.question_writes import QuestionWrites, entry
from countersign.approvals.decisions.refusals import ANSWERING, ASKING, Refusal, refused
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.errors import ConflictError, InvalidError, NotFoundError
from countersign.approvals.forms import questions as told
from countersign.approvals.models import (
    Actor,
    AnsweredBy,
    Principal,
    Question,
    QuestionStatus,
    RequestId,
)
from countersign.approvals.models.questions import of_question_id
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.delegation import standing
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import directory_people
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import questions as rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store import votes as vote_rows
from countersign.approvals.tickets import ActKey

log = structlog.get_logger(__name__)

MAX_QUESTION, MAX_ANSWER = 2_000, 4_000
"""Characters."""
PER_PERSON, PER_REQUEST = 10, 40
"""Questions about one request."""

Outcome = Question | Refusal


@dataclass(frozen=True)
class _Said:
    """What somebody has written, and where."""

    actor: Actor
    text: str


class Questions:
    """What people call; each call is one transaction."""

    def __init__(self, store: Store, moments: Moments, deadlines: Deadlines, outbox: Outbox):
        self._store, self._moments = store, moments
        self._deadlines, self._outbox = deadlines, outbox
        self._writes = QuestionWrites(outbox)

    async def ask(
        self, request_id: RequestId, actor: Actor, text: str, act: ActKey | None = None
    ) -> Question | None:
        """Ask the agent; None if the same `act` was heard of before.

        Raises NotFoundError; NotAuthorisedError (which is on the ledger) for whoever may not vote
        on it now; AlreadyDecidedError; ExpiredError; InvalidError for no text, or too much of it;
        ConflictError for too many questions.
        """
        said = _Said(actor, _text(text, MAX_QUESTION, "question"))
        asked = await self._once(request_id, act, lambda unit: self._ask(unit, request_id, said))
        if asked is not None:
            log.info("question asked", question_id=asked.id, channel=actor.via)
        return asked

    async def answer(
        self, question_id: str, actor: Actor, text: str, act: ActKey | None = None
    ) -> Question | None:
        """Answer what the agent could not, as whom the session belongs to; None if the same `act`
        was heard of before.

        Raises NotFoundError; NotAuthorisedError (which is on the ledger) for anybody else;
        ConflictError if nothing is asked of them; AlreadyDecidedError; ExpiredError; InvalidError.
        """
        said = _Said(actor, _text(text, MAX_ANSWER, "answer"))
        known = of_question_id(question_id)
        if known is None:
            raise NotFoundError(f"There is no question {question_id}.")
        request_id = RequestId(known[0])
        given = await self._once(
            request_id, act, lambda unit: self._answer(unit, question_id, said)
        )
        if given is not None:
            log.info("question answered", question_id=given.id, channel=actor.via)
        return given

    async def _once(
        self, request_id: RequestId, act: ActKey | None, work: Callable[[Unit], Outcome]
    ) -> Question | None:
        def once(unit: Unit) -> Outcome | None:
            request_rows.lock(unit, request_id)
            if act is not None and ticket_rows.act(unit.connection, act) is not None:
                return None
            outcome = work(unit)
            if act is not None:
                reason = str(outcome.error) if isinstance(outcome, Refusal) else ""
                ticket_rows.record_act(unit.connection, act, request_id, reason, unit.now)
            return outcome

        outcome = await self._moments.unit(self._store, once)
        if isinstance(outcome, Refusal):
            raise outcome.error
        return outcome

    def _ask(self, unit: Unit, request_id: RequestId, said: _Said) -> Outcome:
        directory_people.require_current(unit)
        request, session = request_rows.with_session(unit, request_id)
        people = people_for(unit.moment.people, request, session)
        actor = as_of_now(said.actor, people)
        still = self._deadlines.still_open(unit, request, session)
        if isinstance(still, Refusal):
            return still
        request, person = still, actor.principal
        votes = vote_rows.of_request(unit.connection, request.id)
        reason, _ = standing(people, person, request, votes)
        if reason is None and person is not None:
            reason = people.outdated(person, unit.now)
        if reason is not None or person is None:
            reason = reason or "You are not known here."
            return Refusal(error=refused(unit, request, actor, reason, kind=ASKING))
        _require_room(rows.of_request(unit.connection, request.id), person)
        question = Question(
            request_id=request.id,
            number=request.questions + 1,
            revision=request.revision,
            asker=person.id,
            asker_name=person.name,
            via=actor.via,
            identity=actor.identity,
            text=said.text,
            asked_at=unit.now,
        )
        rows.add(unit, question, session.id)
        after = request.model_copy(update={"questions": question.number})
        decide(unit, request, after)
        asked = {
            **entry(request, question),
            "by": person.id,
            "name": person.name,
            "via": actor.via,
            "identity": actor.identity,
            "text": said.text,
        }
        ledger_rows.append(unit, session.id, ("asked", asked))
        if after.canary is not None:
            end_by_question(unit, self._outbox, after, after.canary, person, actor)
            return question
        self._outbox.tell(unit, session, told.asked(after, question), progress=True)
        self._outbox.changed(unit, after)
        self._outbox.have_answered(unit, question)
        return question

    def _answer(self, unit: Unit, question_id: str, said: _Said) -> Outcome:
        question = rows.get(unit.connection, question_id)
        if question is None:
            raise NotFoundError(f"There is no question {question_id}.")
        request, session = request_rows.with_session(unit, question.request_id)
        actor, person = said.actor, said.actor.principal
        if person is None or person.id != request.requester:
            reason = "Only whoever asked for this can answer what the agent could not."
            return Refusal(error=refused(unit, request, actor, reason, kind=ANSWERING))
        still = self._deadlines.still_open(unit, request, session)
        if isinstance(still, Refusal):
            return still
        if question.status is not QuestionStatus.HANDED_OVER:
            words = question.status.value.replace("_", " ")
            raise ConflictError(f"Question {question.id} is {words}: nothing is asked of you.")
        by = {
            "answer": said.text,
            "answered_by": AnsweredBy.PERSON,
            "answerer": person.id,
            "answerer_name": person.name,
            "answered_via": actor.via,
        }
        return self._writes.answered(unit, still, session, question, by, identity=actor.identity)


def _text(text: str, limit: int, what: str) -> str:
    text = well_formed(text).strip()
    if not 1 <= len(text) <= limit:
        raise InvalidError(f"Write the {what} in 1 to {limit:,} characters.")
    return text


def _require_room(known: Sequence[Question], person: Principal) -> None:
    mine = sum(question.asker == person.id for question in known)
    if mine >= PER_PERSON:
        raise ConflictError(f"You have asked {mine} questions about it, and more are not taken.")
    if len(known) >= PER_REQUEST:
        raise ConflictError(f"{len(known)} questions were asked about it, and more are not taken.")
