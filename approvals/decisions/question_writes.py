"""Writes of questions: an answer, or that somebody else is to give it, with all that follows."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.errors import ConflictError
from countersign.approvals.forms import questions as told
from countersign.approvals.models import (
    JsonObject,
    LookUp,
    Question,
    QuestionStatus,
    Request,
    Session,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import questions as rows

_SAID = {"answer", "answered_by", "answerer", "answerer_name", "answered_via", "calls"}


class QuestionWrites:
    """Each method belongs into a transaction that has locked the session. Raises ConflictError if
    the question does not stand as it did, or another attempt than `attempt` is under way."""

    def __init__(self, outbox: Outbox):
        self._outbox = outbox

    def answered(
        self,
        unit: Unit,
        request: Request,
        session: Session,
        question: Question,
        by: JsonObject,
        *,
        identity: str,
        attempt: int | None = None,
    ) -> Question:
        """It is answered; `by` are the answer and whose it is."""
        done = {"status": QuestionStatus.ANSWERED, "answered_at": unit.now, **by}
        after = question.model_copy(update=done)
        _write(unit, session, question, after, attempt)
        said = after.model_dump(mode="json", include=_SAID)
        body = {**entry(request, question), **said, "identity": identity}
        ledger_rows.append(unit, session.id, ("answered", body))
        self._outbox.tell(unit, session, told.answered(request, after), progress=True)
        self._outbox.changed(unit, request)
        return after

    def hand_over(
        self,
        unit: Unit,
        request: Request,
        session: Session,
        question: Question,
        why: str,
        calls: Sequence[LookUp],
        *,
        attempt: int,
    ) -> None:
        """The agent cannot answer: whoever the session belongs to is asked, and told so."""
        status, why = QuestionStatus.HANDED_OVER, well_formed(why)
        after = question.model_copy(update={"status": status, "why": why, "calls": tuple(calls)})
        _write(unit, session, question, after, attempt)
        said = after.model_dump(mode="json", include={"why", "calls"})
        body = {**entry(request, question), **said, "to": request.requester}
        self._outbox.show_requester(unit, session, request)
        ledger_rows.append(unit, session.id, ("handed_over", body))
        self._outbox.tell(unit, session, told.handed_over(request, after))
        self._outbox.changed(unit, request)


def entry(request: Request, question: Question) -> JsonObject:
    """What every entry about a question begins with."""
    return {
        "request": request.id,
        "digest": request.digest,
        "revision": question.revision,
        "question": question.number,
    }


def _write(
    unit: Unit, session: Session, before: Question, after: Question, attempt: int | None
) -> None:
    if not rows.replace(unit, before, after, session.id, attempt=attempt):
        raise ConflictError(f"Question {before.id} has been answered meanwhile.")
