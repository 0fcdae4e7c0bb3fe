"""Executions: the claim before a tool runs, and what became of the call afterwards.

A claim is committed before the tool body starts. Whoever finds a claim whose owner is gone cannot
know whether the tool ran: the request becomes in_doubt and is never run again, unless its tool is
idempotent; then it is called again with the same execution token.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from countersign.approvals.audit.canonical import sha256_hex, well_formed
from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.doubts import contradicted
from countersign.approvals.decisions.evidence import EvidenceError, approval
from countersign.approvals.decisions.long_results import (
    KEPT_CHARS,
    RESULT_CHARS,
    keep,
    shortened,
)
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.staleness import (
    NOTHING_CHECKED,
    Found,
    drifted,
    lapsed,
)
from countersign.approvals.errors import IntegrityError, InvalidError, LostLeaseError
from countersign.approvals.forms import told
from countersign.approvals.forms.wording import as_text
from countersign.approvals.models import (
    Cause,
    Effect,
    JsonObject,
    OnError,
    Outcome,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    SessionId,
    Verdict,
    Via,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import Directory
from countersign.approvals.rules.authority import revoked
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import call_digest, call_of, not_executed
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.after_commit import AFTER_COMMIT

LEDGER_TEXT = 4_000
"""Characters of a result that the ledger keeps in words; its SHA-256 covers all that is kept."""
ERROR_TEXT = 2_000
"""Characters of an error that people and agents read with a doubt."""
DRIFT_MESSAGE = "What is about to run is not what was approved. Nothing was run."
FORGED_MESSAGE = (
    "The ledger does not have this approval on record, so nothing was run. Operators have been "
    "told: run `countersign ledger verify`"
)
IN_DOUBT_MESSAGE = (
    "It is not known whether this ran: the process that ran it stopped before it could say. "
    "It will not be run again. A person has been told to check the target system."
)
MAY_HAVE_HAPPENED = "It is not known whether it took effect before that."
STILL = "It may have taken effect, or may still do so."
UNKNOWN_MESSAGE = "It will not be run again. A person has been told to check the target system."


class Executions:
    """Each method belongs into a transaction whose run has been checked by the caller."""

    def __init__(
        self,
        policy: Policy,
        directory: Directory,
        outbox: Outbox,
        asking: Asking,
        observer: Observer = SILENT,
        *,
        result_chars: int = RESULT_CHARS,
    ):
        self._result_chars = result_chars
        self._policy = policy
        self._asking = asking
        self._observer = observer
        self._directory = directory
        self._outbox = outbox

    def claim(
        self,
        connection: Connection,
        session_id: SessionId,
        epoch: int,
        request_id: RequestId,
        arguments: JsonObject,
        now: datetime,
        checked: Found = NOTHING_CHECKED,
    ) -> Request | Result | AskAgain:
        """The request, executing and ours; or why it is not run, perhaps not yet.

        `checked` is what the tool's check finds now.
        """
        request = self._of_session(connection, session_id, request_id)
        again = request.status is RequestStatus.EXECUTING
        if again and request.executing_epoch == epoch:
            raise IntegrityError(f"Request {request_id} is already running in this run.")
        request = self.doubt(connection, request, now)
        if request.result is not None:
            return self._known(connection, request, request.result, now)
        if not again and request.status is not RequestStatus.APPROVED:
            raise IntegrityError(
                f"Request {request_id} is {request.status}; only an approved one can run."
            )
        if not again and (ask := self._to_ask(connection, request)) is not None:
            return ask
        refusal = self._why_not(connection, request, arguments, now, checked, begun=again)
        if isinstance(refusal, AskAgain):
            return refusal
        if refusal is not None and again:
            return self._set_in_doubt(connection, request, now)
        if refusal is not None:
            return self._call_off(connection, request, refusal, now)
        claimed = request.model_copy(
            update={"status": RequestStatus.EXECUTING, "executing_epoch": epoch}
        )
        _replace(connection, request, claimed)
        body: JsonObject = {
            "request": request_id,
            "digest": request.digest,
            "epoch": epoch,
            "again": again,
        }
        ledger_rows.append(connection, session_id, now, ("claimed", body))
        return claimed

    def finish(
        self,
        connection: Connection,
        session_id: SessionId,
        epoch: int,
        request_id: RequestId,
        now: datetime,
        *,
        ok: bool,
        content: str,
        late: bool = False,
    ) -> Result:
        """Store an outcome; late is better than never, so it also resolves a doubt.

        The first outcome stands: to store one again changes nothing and returns the first. What
        comes after a person has settled the doubt, or after the tool was given up, is kept on the
        ledger.
        """
        request = self._of_session(connection, session_id, request_id)
        if request.executing_epoch != epoch:
            raise LostLeaseError(f"Request {request_id} was taken over by another run.")
        finished = request.status in (RequestStatus.EXECUTED, RequestStatus.FAILED)
        whole = _told(request, content, ok=ok)
        result = shortened(whole, request_id, limit=self._result_chars)
        if finished and request.result is not None:
            if late or request.result.finding is not None:
                body = {**_outcome(request, whole), "stands": False}
                ledger_rows.append(connection, session_id, now, ("late_result", body))
                contradicted(self._outbox, connection, request, now, ok=ok)
            return request.result
        doubted = request.status is RequestStatus.IN_DOUBT
        status = RequestStatus.EXECUTED if ok else RequestStatus.FAILED
        done = request.model_copy(update={"status": status, "result": result})
        _replace(connection, request, done)
        if result is not whole:
            keep(connection, request, whole.content)
        kind = "late_result" if doubted else "executed" if ok else "failed"
        ledger_rows.append(connection, session_id, now, (kind, _outcome(request, whole)))
        self._outbox.changed(connection, request, now)
        if told.decided(done):  # what a rule allows is not told of
            self._outbox.tell_of(connection, done, told.ended(done), now)
        return result

    def raised(
        self,
        connection: Connection,
        session_id: SessionId,
        epoch: int,
        request_id: RequestId,
        now: datetime,
        *,
        content: str,
        timed_out: bool,
        late: bool,
    ) -> Result:
        """The tool raised, and has not said that nothing happened, or was given up: by its rule
        that is a doubt or a failure. What comes late says nothing new of a doubt; the ledger keeps
        it."""
        request = self._of_session(connection, session_id, request_id)
        if request.executing_epoch != epoch:
            raise LostLeaseError(f"Request {request_id} was taken over by another run.")
        if self._on_error(request) is OnError.FAILED:
            return self.finish(
                connection, session_id, epoch, request_id, now, ok=False, content=content, late=late
            )
        if request.status is not RequestStatus.EXECUTING:
            body = {**_outcome(request, _told(request, content, ok=False)), "stands": False}
            ledger_rows.append(connection, session_id, now, ("late_error", body))
        what = well_formed(content).rstrip(".")
        if len(what) > ERROR_TEXT:
            what = f"{what[:ERROR_TEXT]}…"
        message = f"{what}. {STILL}" if timed_out else f"It raised {what}. {MAY_HAVE_HAPPENED}"
        return self.unknown(connection, session_id, epoch, request_id, now, message)

    def _on_error(self, request: Request) -> OnError:
        ruling = self._policy.rule(call_of(request, request.arguments))
        if ruling.on_error is not None:
            return ruling.on_error
        by_rule = request.decision is not None and request.decision.via == Via.POLICY
        return OnError.FAILED if by_rule else OnError.IN_DOUBT

    def unknown(
        self,
        connection: Connection,
        session_id: SessionId,
        epoch: int,
        request_id: RequestId,
        now: datetime,
        message: str,
    ) -> Result:
        """The tool itself cannot say whether it took effect: that is a doubt, not a failure."""
        request = self._of_session(connection, session_id, request_id)
        if request.executing_epoch != epoch:
            raise LostLeaseError(f"Request {request_id} was taken over by another run.")
        if request.status is not RequestStatus.EXECUTING:
            return request.result or not_executed(Cause.IN_DOUBT, IN_DOUBT_MESSAGE)
        return self._set_in_doubt(connection, request, now, f"{message} {UNKNOWN_MESSAGE}")

    @staticmethod
    def _of_session(
        connection: Connection, session_id: SessionId, request_id: RequestId
    ) -> Request:
        request = request_rows.get(connection, request_id)
        if request.session_id != session_id:
            raise IntegrityError(f"Request {request_id} is not of session {session_id}.")
        return request

    def doubt(
        self,
        connection: Connection,
        request: Request,
        now: datetime,
        *,
        even_idempotent: bool = False,
    ) -> Request:
        """The request; in_doubt if an owner that is gone left it executing. An idempotent one is
        left to be called again, unless nobody is there to do so."""
        if request.status is not RequestStatus.EXECUTING:
            return request
        if request.idempotent and not even_idempotent:
            return request
        self._set_in_doubt(connection, request, now)
        return request_rows.get(connection, request.id)

    def cancel_open(
        self, connection: Connection, session_id: SessionId, message: str, now: datetime
    ) -> None:
        """Cancel what waits or was approved but has not run: its session is over."""
        result = not_executed(Cause.CANCELLED, message)
        for request in request_rows.open_of_session(connection, session_id):
            if request.result is not None:  # an answered question has nothing left to run
                continue
            after = request.model_copy(update={"status": RequestStatus.CANCELLED, "result": result})
            _replace(connection, request, after)
            body: JsonObject = {"request": request.id, "digest": request.digest}
            ledger_rows.append(connection, session_id, now, ("cancelled", body))
            self._outbox.changed(connection, after, now)

    def _to_ask(self, connection: Connection, request: Request) -> AskAgain | None:
        """Whether people have to be asked again; a rule that allowed it answers by itself."""
        if request.decision is None or request.decision.via == Via.POLICY:
            return None
        return self._asking.needed(connection, request)

    def _why_not(
        self,
        connection: Connection,
        request: Request,
        arguments: JsonObject,
        now: datetime,
        checked: Found,
        *,
        begun: bool,
    ) -> Result | AskAgain | None:
        try:
            recomputed = call_digest(call_of(request, arguments), request.policy_version)
        except InvalidError:
            return not_executed(Cause.DRIFT, DRIFT_MESSAGE)
        decision = request.decision
        signed = decision is not None and recomputed == request.digest == decision.digest
        if decision is None or not signed or arguments != request.arguments:
            return not_executed(Cause.DRIFT, DRIFT_MESSAGE)
        by_rule = decision.via == Via.POLICY
        try:
            evidence = approval(connection, request, by_rule=by_rule)
        except EvidenceError as exc:
            return self._forged(connection, request, str(exc), now)
        call = call_of(request, arguments)
        ruling = self._policy.rule(call)
        if ruling.effect is Effect.DENY:
            return not_executed(Cause.DENIED_BY_POLICY, ruling.reason)
        if ruling.effect is Effect.SHADOW:
            return not_executed(Cause.SHADOW, ruling.reason)
        if by_rule:
            if ruling.effect is not Effect.ALLOW:
                message = "The policy was changed: this now needs a person. Propose it again."
                return not_executed(Cause.DRIFT, message, retry=True)
            if (again := self._asking.needed(connection, request)) is not None:
                return not_executed(Cause.DRIFT, f"{again.why} Propose it again.", retry=True)
            return None
        lost = revoked(self._directory.by_id, request, evidence.votes)
        if lost is not None:
            return not_executed(Cause.DRIFT, f"{lost} Propose it again.", retry=True)
        if tally(request.stages, evidence.votes).verdict is not Verdict.APPROVE:
            return self._forged(connection, request, "its votes do not add up to a yes", now)
        if begun:  # in time
            return None
        session = partial(session_rows.get, connection, request.session_id)
        over = lapsed(request, session, evidence, ruling, now)
        return over or drifted(request, session, evidence, checked)

    def _known(
        self, connection: Connection, request: Request, result: Result, now: datetime
    ) -> Result:
        """What became of it; a person's answer to a question only as the ledger has it."""
        if request.kind is not RequestKind.INPUT or request.status is not RequestStatus.APPROVED:
            return result
        try:
            approval(connection, request, by_rule=False)
        except EvidenceError as exc:
            return self._forged(connection, request, str(exc), now)
        return result

    def _forged(self, connection: Connection, request: Request, why: str, now: datetime) -> Result:
        """The tables say that it was approved, the ledger does not: operators have to know."""
        body: JsonObject = {"request": request.id, "digest": request.digest, "reason": why}
        ledger_rows.append(connection, request.session_id, now, ("evidence_missing", body))
        alarm = partial(self._observer.evidence_missing, request, why)
        connection.info[AFTER_COMMIT].append(alarm)
        return not_executed(Cause.DRIFT, f"{FORGED_MESSAGE} ({why}).")

    def _call_off(
        self, connection: Connection, request: Request, result: Result, now: datetime
    ) -> Result:
        after = request.model_copy(update={"status": RequestStatus.CANCELLED, "result": result})
        _replace(connection, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "cause": result.cause,
            "message": result.message,
        }
        ledger_rows.append(connection, request.session_id, now, ("not_executed", body))
        self._outbox.changed(connection, request, now)
        self._outbox.tell_of(connection, after, told.ended(after), now)
        return result

    def _set_in_doubt(
        self,
        connection: Connection,
        request: Request,
        now: datetime,
        message: str = IN_DOUBT_MESSAGE,
    ) -> Result:
        result = not_executed(Cause.IN_DOUBT, message)
        after = request.model_copy(update={"status": RequestStatus.IN_DOUBT, "result": result})
        _replace(connection, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "message": message[:LEDGER_TEXT],
        }
        ledger_rows.append(connection, request.session_id, now, ("in_doubt", body))
        self._outbox.changed(connection, request, now)
        session = session_rows.get(connection, request.session_id)
        text = f"**Check needed:** `{request.tool}` ({request.id}). {as_text(message)}"
        self._outbox.tell(connection, session, text, now)
        return result


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


def _replace(connection: Connection, before: Request, after: Request) -> None:
    if not request_rows.replace(connection, before, after):
        raise IntegrityError(f"Request {before.id} changed while it was being written.")
