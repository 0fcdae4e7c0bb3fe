"""Ends of canaries: the first answer of anybody, a question, or the deadline. Nothing ever runs.

Each belongs into a transaction. The request is cancelled and never approved, its session is over,
and every place that shows it says what it was.
"""

from __future__ import annotations

from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.forms.canaries import canary_words
from countersign.approvals.forms.causes import SessionCause
from countersign.approvals.models import (
    Actor,
    Answer,
    Canary,
    CanaryEnd,
    Cause,
    JsonObject,
    Principal,
    Request,
    RequestStatus,
    Vote,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.canaries import answered
from countersign.approvals.rules.proposals import not_executed
from countersign.approvals.store import canaries as rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import votes as vote_rows

Entry = tuple[str, JsonObject]
ENDED = "canary_ended"
"""Kind of the ledger entry: only from then on the ledger says that it was one."""


def end_by_vote(
    unit: Unit,
    outbox: Outbox,
    request: Request,
    canary: Canary,
    vote: Vote,
    given: Answer,
    voted: Entry,
) -> Request:
    """Somebody has answered: whatever it was, that is the end. The vote is kept, and decides
    nothing."""
    vote_rows.add(unit, request.session_id, [vote])
    return _end(unit, outbox, request, answered(canary, vote, given), voted)


def end_by_question(
    unit: Unit, outbox: Outbox, request: Request, canary: Canary, asker: Principal, actor: Actor
) -> Request:
    """Somebody has asked about it first: they look, and there is no agent to answer."""
    by = {"by": asker.id, "by_name": asker.name, "via": actor.via, "at": unit.now}
    ended = canary.model_copy(update={"end": CanaryEnd.ASKED, **by})
    return _end(unit, outbox, request, ended)


def end_by_deadline(unit: Unit, outbox: Outbox, request: Request, canary: Canary) -> Request:
    """Nobody has answered."""
    ended = canary.model_copy(update={"end": CanaryEnd.UNANSWERED, "at": unit.now})
    return _end(unit, outbox, request, ended)


def _end(unit: Unit, outbox: Outbox, request: Request, ended: Canary, *before: Entry) -> Request:
    message = canary_words(ended)
    after = request.model_copy(
        update={
            "status": RequestStatus.CANCELLED,
            "result": not_executed(Cause.CANARY, message),
            "canary": ended,
        }
    )
    decide(unit, request, after)
    rows.over(unit, request.session_id, message, SessionCause.CANARY.value)
    body: JsonObject = {
        "request": request.id,
        "digest": request.digest,
        "rule": request.rule_id,
        "canary": ended.model_dump(mode="json"),
    }
    ledger_rows.append(unit, request.session_id, *before, (ENDED, body))
    outbox.changed(unit, after)
    return after
