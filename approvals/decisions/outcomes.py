"""Outcomes: what became of a claimed call, or that nobody can say.

Whoever finds a claim whose owner is gone cannot know whether the tool ran: the request becomes
in_doubt and is never run again, unless its tool is idempotent; then it is called again with the
same execution token.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from countersign.approvals.audit.canonical import sha256_hex, well_formed
from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.doubts import contradicted
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.long_results import (
    KEPT_CHARS,
    RESULT_CHARS,
    keep,
    shortened,
)
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.replacing import replace
from countersign.approvals.errors import IntegrityError, LostLeaseError
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Cause,
    JsonObject,
    OnError,
    Outcome,
    Request,
    RequestId,
    RequestStatus,
    Result,
    Session,
    SessionId,
    UndoOffer,
    Via,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_of, not_executed
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.requests import Stored

LEDGER_TEXT = 4_000
"""Characters of a result that the ledger keeps in words; its SHA-256 covers all that is kept."""
ERROR_TEXT = 2_000
"""Characters of an error that people and agents read with a doubt."""
IN_DOUBT_MESSAGE = (
    "It is not known whether this ran: the process that ran it stopped before it could say. "
    "It will not be run again. A person has been told to check the target system."
)
MAY_HAVE_HAPPENED = "It is not known whether it took effect before that."
STILL = "It may have taken effect, or may still do so."
UNKNOWN_MESSAGE = "It will not be run again. A person has been told to check the target system."


class Outcomes:
    """Each method belongs into a transaction whose run has been checked by the caller."""

    def __init__(
        self,
        policies: Policies,
        outbox: Outbox,
        budgeting: Budgeting,
        *,
        result_chars: int = RESULT_CHARS,
    ):
        self._policies, self._outbox, self._budgeting = policies, outbox, budgeting
        self._result_chars = result_chars

    def finish(
        self,
        unit: Unit,
        run: Run,
        request_id: RequestId,
        *,
        ok: bool,
        content: str,
        late: bool = False,
        undo: UndoOffer | None = None,
    ) -> Result:
        """Store an outcome, with what would take it back; late is better than never, so it also
        resolves a doubt.

        The first outcome stands: to store one again changes nothing and returns the first. What
        comes after a person has resolved the doubt, or after the tool was given up, is kept on the
        ledger.
        """
        request = claimed(unit, run, request_id)
        return self._finish(unit, run, request, content, ok=ok, late=late, happened=ok, undo=undo)

    def _finish(
        self,
        unit: Unit,
        run: Run,
        request: Request,
        content: str,
        *,
        ok: bool,
        late: bool,
        happened: bool = True,
        undo: UndoOffer | None = None,
    ) -> Result:
        """Without `happened` it is certain that nothing has."""
        finished = request.status in (RequestStatus.EXECUTED, RequestStatus.FAILED)
        whole = _told(request, content, ok=ok)
        result = shortened(whole, request.id, limit=self._result_chars)
        if finished and request.result is not None:
            if late or request.result.finding is not None:
                body = {**_outcome(request, whole), "stands": False}
                ledger_rows.append(unit, request.session_id, ("late_result", body))
                contradicted(self._outbox, unit, run.session, request, ok=ok)
            return request.result
        doubted = request.status is RequestStatus.IN_DOUBT
        status = RequestStatus.EXECUTED if ok else RequestStatus.FAILED
        undo = undo if ok else None
        if undo is not None:
            until = unit.now + timedelta(seconds=undo.within_s)
            undo = undo.model_copy(update={"until": until})
        done = request.model_copy(update={"status": status, "result": result, "undo": undo})
        replace(unit, request, done)
        if result is not whole:
            keep(unit, request, whole.content)
        kind = "late_result" if doubted else "executed" if ok else "failed"
        released = {} if happened else self._budgeting.release(unit, request)
        body = {**_outcome(request, whole), **released}
        if undo is not None:
            body["undo"] = undo.model_dump(mode="json")
        ledger_rows.append(unit, request.session_id, (kind, body))
        self._outbox.changed(unit, request)
        if told.is_told(done):
            self._outbox.tell(unit, run.session, lambda: told.ended(done), progress=True)
        return result

    def raised(
        self,
        unit: Unit,
        run: Run,
        request_id: RequestId,
        *,
        content: str,
        timed_out: bool,
        late: bool,
    ) -> Result:
        """The tool raised, and has not said that nothing happened, or was given up: by its rule
        that is a doubt or a failure. What comes late says nothing new of a doubt; the ledger keeps
        it."""
        request = claimed(unit, run, request_id)
        if self._on_error(unit, run, request) is OnError.FAILED:
            return self._finish(unit, run, request, content, ok=False, late=late)
        if request.status is not RequestStatus.EXECUTING:
            body = {**_outcome(request, _told(request, content, ok=False)), "stands": False}
            ledger_rows.append(unit, request.session_id, ("late_error", body))
        what = well_formed(content).rstrip(".")
        if len(what) > ERROR_TEXT:
            what = f"{what[:ERROR_TEXT]}…"
        message = f"{what}. {STILL}" if timed_out else f"It raised {what}. {MAY_HAVE_HAPPENED}"
        return self._unknown(unit, run, request, message)

    def _on_error(self, unit: Unit, run: Run, request: Request) -> OnError:
        situation = situation_of(run.session, unit.moment.people, request.created_at, request.seen)
        ruling = self._policies.current.rule(call_of(request, request.arguments), situation)
        if ruling.on_error is not None:
            return ruling.on_error
        by_rule = request.decision is not None and request.decision.via == Via.POLICY
        return OnError.FAILED if by_rule else OnError.IN_DOUBT

    def unknown(self, unit: Unit, run: Run, request_id: RequestId, message: str) -> Result:
        """The tool itself cannot say whether it took effect: that is a doubt, not a failure."""
        return self._unknown(unit, run, claimed(unit, run, request_id), message)

    def _unknown(self, unit: Unit, run: Run, request: Request, message: str) -> Result:
        if request.status is not RequestStatus.EXECUTING:
            return request.result or not_executed(Cause.IN_DOUBT, IN_DOUBT_MESSAGE)
        return self.set_in_doubt(unit, run.session, request, f"{message} {UNKNOWN_MESSAGE}")

    def doubt(
        self, unit: Unit, session: Session, request: Request, *, even_idempotent: bool = False
    ) -> Request:
        """The request; in_doubt if an owner that is gone left it executing. An idempotent one is
        left to be called again, unless nobody is there to do so."""
        if request.status is not RequestStatus.EXECUTING:
            return request
        if request.idempotent and not even_idempotent:
            return request
        self.set_in_doubt(unit, session, request)
        return request_rows.get(unit.connection, request.id)

    def cancel_open(
        self, unit: Unit, session_id: SessionId, message: str, found: Sequence[Request]
    ) -> None:
        """Cancel what waits or was approved but has not run, `found` by `open_and_locked`: its
        session is over."""
        result = not_executed(Cause.CANCELLED, message)
        for request in found:
            if request.result is not None:  # an answered question has nothing left to run
                continue
            after = request.model_copy(update={"status": RequestStatus.CANCELLED, "result": result})
            replace(unit, request, after)
            body: JsonObject = {
                "request": request.id,
                "digest": request.digest,
                "cause": result.cause,
                "message": message,
            }
            ledger_rows.append(unit, session_id, ("cancelled", body))
            self._outbox.changed(unit, after)

    def set_in_doubt(
        self, unit: Unit, session: Session, request: Request, message: str = IN_DOUBT_MESSAGE
    ) -> Result:
        """Nobody here knows whether it ran, and people are told to look."""
        result = not_executed(Cause.IN_DOUBT, message)
        after = request.model_copy(update={"status": RequestStatus.IN_DOUBT, "result": result})
        replace(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "message": message[:LEDGER_TEXT],
        }
        ledger_rows.append(unit, request.session_id, ("in_doubt", body))
        self._outbox.changed(unit, request)
        text = f"**Check needed:** `{request.tool}` ({request.id})."
        self._outbox.tell(unit, session, told.with_reason(text, message))
        return result


def of_run(unit: Unit, run: Run, request_id: RequestId) -> Request:
    """A request of the session that is run. Raises IntegrityError if it is of another one."""
    return stored_of_run(unit, run, request_id).request


def stored_of_run(unit: Unit, run: Run, request_id: RequestId) -> Stored:
    """`of_run`, with its row."""
    stored = request_rows.stored(unit, request_id)
    if stored.request.session_id != run.session.id:
        raise IntegrityError(f"Request {request_id} is not of session {run.session.id}.")
    return stored


def claimed(unit: Unit, run: Run, request_id: RequestId) -> Request:
    """A request that this run has claimed. Raises LostLeaseError if another run has since."""
    if unit.left is not None and unit.left.request is not None:
        return unit.left.request
    request = of_run(unit, run, request_id)
    if request.executing_epoch != run.epoch:
        raise LostLeaseError(f"Request {request_id} was taken over by another run.")
    return request


def _told(request: Request, content: str, *, ok: bool) -> Result:
    outcome = Outcome.FAILED
    if ok:
        outcome = Outcome.EXECUTED_WITH_CHANGES if request.modified else Outcome.EXECUTED
    return Result(outcome=outcome, content=well_formed(content), retry=not ok)


def _outcome(request: Request, result: Result) -> JsonObject:
    return {
        "request": request.id,
        "digest": request.digest,
        "outcome": result.outcome,
        "content": result.content[:LEDGER_TEXT],
        "content_sha256": sha256_hex(result.content[:KEPT_CHARS].encode()),
        "characters": len(result.content),
    }
