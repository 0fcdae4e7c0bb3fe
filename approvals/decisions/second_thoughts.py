"""Second thoughts: the proposing agent, asked about its call, takes it back or changes it.

Either is written with the answer, in one transaction. What was voted does not count any more, and
whoever has voted is told where they were shown it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.decisions.asking import AskAgain, Asking, Today
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.forms import questions as told
from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import (
    Cause,
    Effective,
    JsonObject,
    Principal,
    Proposal,
    Question,
    Request,
    RequestStatus,
    Session,
    Vote,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.proposals import not_executed
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import votes as vote_rows

MAX_REASON = 1_000
"""Characters of it that stand with the request; the answer has all of it."""
TOOK_BACK = "{agent} took this back when {asker} asked about it: {reason}"
CHANGED = "{agent} changed its proposal when {asker} asked about it: {reason}"
AS_IT_STANDS = "These are the arguments as they stand."


@dataclass(frozen=True)
class SecondThought:
    """What the agent has come to, and why, in its words."""

    reason: str
    instead: Proposal | None = None
    """The call as it wants it now; None: not at all."""


class SecondThoughts:
    """Each method belongs into a transaction that has locked the session of a pending request."""

    def __init__(self, asking: Asking, outbox: Outbox):
        self._asking, self._outbox = asking, outbox

    def think(
        self,
        unit: Unit,
        request: Request,
        session: Session,
        question: Question,
        thought: SecondThought,
    ) -> Request:
        """The request as it is then: cancelled, or asked anew as another revision."""
        votes = vote_rows.of_request(unit.connection, request.id)
        votes = [vote for vote in votes if vote.revision == request.revision]
        if thought.instead is None:
            why = _why(TOOK_BACK, question, request, thought)
            return self._take_back(unit, request, session, why, votes)
        why = _why(CHANGED, question, request, thought)
        again = AskAgain(request, session, why, tool_changed=True, by_agent=request.agent)
        call = thought.instead.call
        effective = Effective(
            arguments=call.arguments,
            defaulted=thought.instead.defaulted,
            injected=thought.instead.injected,
            schema_version=call.schema_version,
        )
        self._outbox.show_to(unit, session, request, _people(unit, votes))
        after = self._asking.ask(unit, again, Today(effective, call.checked))
        if after.status is RequestStatus.PENDING:
            self._outbox.tell(unit, session, told.changed(after, votes), progress=True)
        return after

    def _take_back(
        self, unit: Unit, request: Request, session: Session, why: str, votes: Sequence[Vote]
    ) -> Request:
        result = not_executed(Cause.WITHDRAWN, why, retry=True)
        after = request.model_copy(update={"status": RequestStatus.CANCELLED, "result": result})
        decide(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "cause": Cause.WITHDRAWN,
            "message": why,
            "by": request.agent,
        }
        ledger_rows.append(unit, session.id, ("not_executed", body))
        self._outbox.tell(unit, session, told.taken_back(after, votes), progress=True)
        self._outbox.tell_voters(unit, after, votes)
        self._outbox.decided(unit, after)
        return after


def is_same(request: Request, instead: Proposal) -> bool:
    """Whether it would change nothing."""
    return canonical_json(instead.call.arguments) == canonical_json(request.arguments)


def _why(text: str, question: Question, request: Request, thought: SecondThought) -> str:
    reason = cut_visibly(thought.reason.strip(), MAX_REASON)
    return text.format(agent=request.agent, asker=question.asker_name, reason=reason)


def _people(unit: Unit, votes: Sequence[Vote]) -> list[Principal]:
    found = (unit.moment.people.by_id(vote.principal_id) for vote in votes)
    return [person for person in found if person is not None]
