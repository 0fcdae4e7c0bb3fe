"""Deadlines: a request that nobody decided in time, or that was asked by a clock that was ahead."""

from __future__ import annotations

from datetime import datetime

from countersign.approvals.decisions.asking import Asking
from countersign.approvals.decisions.canary_ends import end_by_deadline
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import Refusal, expired
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.decisions.steps import Steps
from countersign.approvals.errors import AlreadyDecidedError
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Cause,
    Decision,
    JsonObject,
    Outcome,
    Request,
    RequestKind,
    RequestStatus,
    Result,
    Session,
    Timing,
    Verdict,
    Via,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.edited import rule_request
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import not_executed
from countersign.approvals.rules.silence import against_silence, is_meant
from countersign.approvals.rules.timing import again
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import nobody_left
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.clock_ahead import SKEW

END_CHAT = "exit"
"""What AutoGen reads as a person's wish to end the chat."""
CLOCK = "clock"
"""Who decided, when it was the deadline."""
THE_DEADLINE = "the deadline"
MESSAGE = "Nobody decided in time. Nothing was run."
BY_SILENCE = "Nobody objected in time, and the rule {rule} lets it run then."


class Deadlines:
    """Each method belongs into a transaction."""

    def __init__(self, policies: Policies, asking: Asking, steps: Steps, outbox: Outbox):
        self._policies, self._asking = policies, asking
        self._steps, self._outbox = steps, outbox

    def see_to(self, unit: Unit, request: Request) -> Request | None:
        """Do what its time asks for, if anything; the request if its deadline has decided it."""
        if request.status is not RequestStatus.PENDING:
            return None
        if request.expires_at is not None and request.expires_at <= unit.now:
            session = session_rows.get(unit.connection, request.session_id)
            after = self.reached(unit, request, session)
            is_open = after.status is RequestStatus.PENDING
            return None if is_open or after.canary is not None else after
        if request.created_at > unit.now + SKEW:
            self.ask_now(unit, request)
        elif request.timing is not None and _is_due(request.timing, unit.now):
            self._steps.take(unit, request, request.timing)
        return None

    def still_open(self, unit: Unit, request: Request, session: Session) -> Request | Refusal:
        """The request as it is now, if it can be decided; the Refusal if its deadline was reached
        without that being written down. Raises ExpiredError and AlreadyDecidedError."""
        if request.status is RequestStatus.EXPIRED:
            raise expired(request)
        if request.status is not RequestStatus.PENDING:
            raise AlreadyDecidedError(request.id, request.status, request.decision)
        if request.expires_at is None or request.expires_at > unit.now:
            return request
        after = self.reached(unit, request, session)
        if after.status is RequestStatus.PENDING:
            return after
        if after.status is RequestStatus.EXPIRED:
            return Refusal(error=expired(after))
        return Refusal(error=AlreadyDecidedError(after.id, after.status, after.decision))

    def reached(self, unit: Unit, request: Request, session: Session) -> Request:
        """The deadline has passed without a decision: the request as it is then."""
        if request.canary is not None:
            return end_by_deadline(unit, self._outbox, request, request.canary)
        timing = request.timing
        if timing is not None and (last := timing.last_resort) is not None:
            return self._steps.last_resort(unit, request, timing, last)
        if is_meant(request):
            why = self._why_not(unit, request, session)
            if why is None:
                return self._approve(unit, request, session)
            return self.expire(unit, request, f"{why}. {MESSAGE}")
        return self.expire(unit, request)

    def expire(self, unit: Unit, request: Request, message: str = MESSAGE) -> Request:
        """It ends undecided."""
        after = request.model_copy(
            update={
                "status": RequestStatus.EXPIRED,
                "decision": _decision(unit, request, Verdict.REJECT, message),
                "result": not_executed(Cause.EXPIRED, message, retry=True),
            }
        )
        if request.kind is RequestKind.INPUT:
            result = Result(outcome=Outcome.NOT_EXECUTED, content=END_CHAT, cause=Cause.EXPIRED)
            after = after.model_copy(update={"result": result})
        if not request_rows.replace(unit, (request, after)):
            return request_rows.get(unit.connection, request.id)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "rule": request.rule_id,
            "reason": message,
        }
        ledger_rows.append(unit, request.session_id, ("expired", body))
        session = session_rows.get(unit.connection, request.session_id)
        self._outbox.tell(unit, session, told.decided(after), progress=True)
        self._outbox.decided(unit, after)
        return after

    def _why_not(self, unit: Unit, request: Request, session: Session) -> str | None:
        """Why it does not run although its rule said so when it was asked; None if it does."""
        changed = self._asking.needed(request, session, unit.moment)
        if changed is not None:
            return changed.why.rstrip(".")
        if nobody_left.among(unit.connection, [request.id]):
            return "Nobody could decide it"
        policy = self._policies.current
        situation = situation_of(session, unit.moment.people, request.created_at, request.seen)
        return against_silence(
            request,
            rule_request(policy, request, situation),
            request_rows.checkpoint_with(unit.connection, request),
            delivery_rows.of_request(unit.connection, request.id),
            policy.book.reversibility,
        )

    def _approve(self, unit: Unit, request: Request, session: Session) -> Request:
        comment = BY_SILENCE.format(rule=request.rule_id)
        after = request.model_copy(
            update={
                "status": RequestStatus.APPROVED,
                "decision": _decision(unit, request, Verdict.APPROVE, comment),
            }
        )
        decide(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "revision": request.revision,
            "verdict": Verdict.APPROVE,
            "by": CLOCK,
            "via": Via.CLOCK,
            "digest": request.digest,
            "rule": request.rule_id,
        }
        ledger_rows.append(unit, request.session_id, ("decided", body))
        self._outbox.tell(unit, session, told.decided(after), progress=True)
        self._outbox.decided(unit, after)
        return after

    def ask_now(self, unit: Unit, request: Request) -> None:
        """It was asked by a clock that was ahead: from now on people have as long as its rule says,
        instead of until that time comes."""
        expires_at = request.expires_at
        update: JsonObject = {"created_at": unit.now}
        if request.timing is not None:
            update |= again(request.timing, unit.now, self._policies.current.calendars)
            expires_at = update["expires_at"]
        elif expires_at is not None:
            expires_at = update["expires_at"] = unit.now + (expires_at - request.created_at)
        after = request.model_copy(update=update)
        decide(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "created_at": unit.now.isoformat(),
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        }
        ledger_rows.append(unit, request.session_id, ("clock_corrected", body))
        self._outbox.changed(unit, after)


def _is_due(timing: Timing, now: datetime) -> bool:
    return timing.next_step_at is not None and timing.next_step_at <= now


def _decision(unit: Unit, request: Request, verdict: Verdict, comment: str) -> Decision:
    return Decision(
        verdict=verdict,
        by=CLOCK,
        by_name=THE_DEADLINE,
        via=Via.CLOCK,
        at=unit.now,
        comment=comment,
        digest=request.digest,
    )
