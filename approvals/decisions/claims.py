"""Claims: the one right to run an approved call, committed before the tool body starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_in
from functools import partial

from countersign.approvals.decisions.asking import RULE_CHANGED, AskAgain, Asking
from countersign.approvals.decisions.budgeting import Budgeting, asks_more
from countersign.approvals.decisions.evidence import EvidenceError, approval
from countersign.approvals.decisions.granting import Granting
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.outcomes import Outcomes, stored_of_run
from countersign.approvals.decisions.replacing import replace
from countersign.approvals.decisions.staleness import (
    NOTHING_CHECKED,
    Found,
    drifted,
    lapsed,
)
from countersign.approvals.errors import HeldError, IntegrityError, InvalidError
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Cause,
    CheckpointId,
    Effect,
    Grant,
    JsonObject,
    Pause,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Ruling,
    Standing,
    Used,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import Unit
from countersign.approvals.rules.authority import revoked
from countersign.approvals.rules.budgets.judging import in_entry
from countersign.approvals.rules.edited import rule_request
from countersign.approvals.rules.grants import votes_of
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.rules.pausing import among
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_digest, call_of, not_executed
from countersign.approvals.rules.silence import against_silence
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import directory_people
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import pauses as pause_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.requests import Stored

DRIFT_MESSAGE = "What is about to run is not what was approved. Nothing was run."
WAITS_FOR_PEOPLE = "It runs once that directory has been read again."
FORGED_MESSAGE = (
    "The ledger does not have this approval on record, so nothing was run. Operators have been "
    "told: run `countersign ledger verify`"
)


def require_last(request: Request, last: CheckpointId | None) -> None:
    """Raise IntegrityError for a request of an earlier checkpoint: were it asked again, its session
    would wait for what it does not come back to."""
    if request.checkpoint_id != last:
        raise IntegrityError(
            f"Request {request.id} is not among the calls that its session proposed last; only "
            "those can run."
        )


@dataclass(frozen=True)
class Paused:
    """It does not begin before a pause has ended; nothing of the request has changed."""

    pause: Pause


class Claims:
    """Each method belongs into a transaction whose run has been checked by the caller."""

    def __init__(
        self,
        policies: Policies,
        asking: Asking,
        outcomes: Outcomes,
        outbox: Outbox,
        granting: Granting,
        budgeting: Budgeting,
        observer: Observer = SILENT,
    ):
        self._policies, self._asking, self._outcomes = policies, asking, outcomes
        self._budgeting = budgeting
        self._outbox, self._granting, self._observer = outbox, granting, observer

    def claim(
        self,
        unit: Unit,
        run: Run,
        last: CheckpointId | None,
        request_id: RequestId,
        arguments: JsonObject,
        checked: Found = NOTHING_CHECKED,
    ) -> Request | Result | AskAgain | Paused:
        """The request, executing and ours; or why it is not run, perhaps not yet.

        `last` is the checkpoint that the session has submitted last, `checked` what the tool's
        check finds now.
        """
        directory_people.require_current(unit)
        stored = stored_of_run(unit, run, request_id)
        request = stored.request
        require_last(request, last)
        again = request.status is RequestStatus.EXECUTING
        if again and request.executing_epoch == run.epoch:
            raise IntegrityError(f"Request {request_id} is already running in this run.")
        request = self._outcomes.doubt(unit, run.session, request)
        if request.result is not None:
            return self._known(unit, stored, request, request.result)
        if not again and request.status is not RequestStatus.APPROVED:
            raise IntegrityError(
                f"Request {request_id} is {request.status}; only an approved one can run."
            )
        if (paused := self._paused(unit, run, request)) is not None:
            return paused
        if not again and (ask := self._to_ask(unit, run, request)) is not None:
            return ask
        refusal = self._why_not(unit, run, stored, arguments, checked, begun=again)
        if isinstance(refusal, AskAgain):
            return refusal
        if refusal is not None and again:
            return self._outcomes.set_in_doubt(unit, run.session, request)
        if isinstance(refusal, Result):
            return self._call_off(unit, run, request, refusal)
        budgets = request.budgets if again else self._reserve(unit, run, request)
        if isinstance(budgets, AskAgain):
            return budgets
        if isinstance(budgets, Result):
            return self._call_off(unit, run, request, budgets)
        if refusal is not None:
            self._granting.count(unit, request, run.session, *refusal)
        update = {"status": RequestStatus.EXECUTING, "executing_epoch": run.epoch}
        claimed = request.model_copy(update={**update, "budgets": budgets})
        replace(unit, request, claimed)
        body: JsonObject = {
            "request": request_id,
            "digest": request.digest,
            "epoch": run.epoch,
            "again": again,
            **in_entry(budgets),
        }
        ledger_rows.append(unit, request.session_id, ("claimed", body))
        return claimed

    def _paused(self, unit: Unit, run: Run, request: Request) -> Paused | None:
        """Whether somebody has paused it: the ledger and whoever asked are told that it waits."""
        domains = unit.moment.people.domains
        found = among(pause_rows.holding(unit), request, run.session, domains)
        if not found:
            return None
        pause = found[0]
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "pause": pause.id,
            "by": pause.by,
            "reason": pause.reason,
        }
        ledger_rows.append(unit, request.session_id, ("held", body))
        self._outbox.changed(unit, request)
        self._outbox.tell(unit, run.session, told.held(request, pause), progress=True)
        return Paused(pause)

    def _reserve(
        self, unit: Unit, run: Run, request: Request
    ) -> tuple[Standing, ...] | Result | AskAgain:
        """Draw on its budgets; or why it is not run."""
        situation = situation_of(run.session, unit.moment.people, request.created_at, request.seen)
        call = call_of(request, request.arguments)
        ruling = self._budgeting.reserve(unit, request, call, situation)
        if ruling.effect is Effect.DENY:
            return not_executed(Cause.DENIED_BY_POLICY, ruling.reason)
        if not asks_more(request, ruling):
            return ruling.budgets
        if request.decision is not None and request.decision.via in (Via.POLICY, Via.CLOCK):
            message = f"{ruling.reason} Propose it again."
            return not_executed(Cause.DRIFT, message, retry=True)
        return AskAgain(request, run.session, ruling.reason, tool_changed=False)

    def _to_ask(self, unit: Unit, run: Run, request: Request) -> AskAgain | None:
        """Whether people have to be asked again; a rule that allowed it answers by itself."""
        if request.decision is None or request.decision.via == Via.POLICY:
            return None
        return self._asking.needed(request, run.session, unit.moment)

    def _why_not(
        self,
        unit: Unit,
        run: Run,
        stored: Stored,
        arguments: JsonObject,
        checked: Found,
        *,
        begun: bool,
    ) -> Result | AskAgain | tuple[Grant, Used] | None:
        """Why it does not run; or the grant by which it does, with how far that is used then."""
        request = stored.request
        try:
            recomputed = call_digest(call_of(request, arguments), request.policy_version)
        except InvalidError:
            return not_executed(Cause.DRIFT, DRIFT_MESSAGE)
        decision = request.decision
        signed = decision is not None and recomputed == request.digest == decision.digest
        if decision is None or not signed or arguments != request.arguments:
            return not_executed(Cause.DRIFT, DRIFT_MESSAGE)
        by_rule, by_clock = decision.via == Via.POLICY, decision.via == Via.CLOCK
        by_grant = decision.via == Via.GRANT
        try:
            evidence = approval(unit, stored, by_rule=by_rule, by_clock=by_clock, by_grant=by_grant)
        except EvidenceError as exc:
            return self._forged(unit, request, str(exc))
        situation = situation_of(run.session, unit.moment.people, request.created_at, request.seen)
        ruling = rule_request(self._policies.current, request, situation)
        if ruling.effect is Effect.DENY:
            return not_executed(Cause.DENIED_BY_POLICY, ruling.reason)
        if ruling.effect is Effect.SHADOW:
            return not_executed(Cause.SHADOW, ruling.reason)
        if by_rule:
            if ruling.effect is not Effect.ALLOW:
                message = "The policy was changed: this now needs a person. Propose it again."
                return not_executed(Cause.DRIFT, message, retry=True)
            if (again := self._asking.needed(request, run.session, unit.moment)) is not None:
                return not_executed(Cause.DRIFT, f"{again.why} Propose it again.", retry=True)
            return None
        grant: tuple[Grant, Used] | None = None
        if evidence.grant is not None and not begun:
            looked = self._granting.look(unit, request, run.session, evidence.grant)
            if isinstance(looked, AskAgain):
                return looked
            grant = looked
            evidence = replace_in(evidence, votes=votes_of(grant[0], request))
        if evidence.grant is not None and begun:  # it was counted when it began
            return None
        people = people_for(unit.moment.people, request, run.session)
        if by_clock:
            if (no := self._against_silence(unit, request, ruling)) is not None:
                return not_executed(Cause.DRIFT, f"{no}. Propose it again.", retry=True)
        elif (lost := revoked(people, request, evidence.votes)) is not None:
            return not_executed(Cause.DRIFT, f"{lost} Propose it again.", retry=True)
        elif tally(request.stages, evidence.votes).verdict is not Verdict.APPROVE:
            return self._forged(unit, request, "its votes do not add up to a yes")
        unproven = any(
            vote.proof is None for vote in evidence.votes if vote.verdict is Verdict.APPROVE
        )
        if ruling.step_up_s is not None and unproven and not begun:
            why = RULE_CHANGED.format(tool=request.tool)
            return AskAgain(request, run.session, why, tool_changed=False)
        if begun:  # in time
            return None
        self._require_known(unit, evidence.votes)
        calendars = self._policies.current.calendars
        over = lapsed(request, run.session, evidence, ruling, unit.now, calendars)
        return over or drifted(request, run.session, evidence, checked) or grant

    def _require_known(self, unit: Unit, votes: Sequence[Vote]) -> None:
        """Raise HeldError if it is too long ago that a directory was asked about an approver."""
        people = unit.moment.people
        for vote in votes:
            for known in {vote.principal_id, vote.seat}:
                person = people.by_id(known)
                outdated = None if person is None else people.outdated(person, unit.now)
                if outdated is not None:
                    raise HeldError(f"{outdated} {WAITS_FOR_PEOPLE}")

    def _against_silence(self, unit: Unit, request: Request, ruling: Ruling) -> str | None:
        """Why what its deadline has approved does not run now; None if it does."""
        return against_silence(
            request,
            ruling,
            request_rows.checkpoint_with(unit.connection, request),
            delivery_rows.of_request(unit.connection, request.id),
            self._policies.current.book.reversibility,
        )

    def _known(self, unit: Unit, stored: Stored, request: Request, result: Result) -> Result:
        """What became of it; a person's answer to a question only as the ledger has it."""
        if request.kind is not RequestKind.INPUT or request.status is not RequestStatus.APPROVED:
            return result
        try:
            approval(unit, stored, by_rule=False)
        except EvidenceError as exc:
            return self._forged(unit, request, str(exc))
        return result

    def _forged(self, unit: Unit, request: Request, why: str) -> Result:
        """The tables say that it was approved, the ledger does not: operators have to know."""
        body: JsonObject = {"request": request.id, "digest": request.digest, "reason": why}
        ledger_rows.append(unit, request.session_id, ("evidence_missing", body))
        alarm = partial(self._observer.evidence_missing, request, why)
        unit.after_commit.append(alarm)
        return not_executed(Cause.DRIFT, f"{FORGED_MESSAGE} ({why}).")

    def _call_off(self, unit: Unit, run: Run, request: Request, result: Result) -> Result:
        after = request.model_copy(update={"status": RequestStatus.CANCELLED, "result": result})
        replace(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "cause": result.cause,
            "message": result.message,
        }
        ledger_rows.append(unit, request.session_id, ("not_executed", body))
        self._outbox.changed(unit, request)
        self._outbox.tell(unit, run.session, told.ended(after), progress=True)
        return result
