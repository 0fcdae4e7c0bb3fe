"""Claims: the one right to run an approved call, committed before the tool body starts."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.budgeting import Budgeting, asks_more
from countersign.approvals.decisions.evidence import EvidenceError, approval
from countersign.approvals.decisions.grant_uses import GrantUses
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.outcomes import Outcomes, stored_of_run
from countersign.approvals.decisions.plan_grants import PlanGrants
from countersign.approvals.decisions.replacing import replace
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.decisions.validity import Validity
from countersign.approvals.errors import IntegrityError
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Cause,
    CheckpointId,
    Effect,
    JsonObject,
    Pause,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Standing,
    Via,
)
from countersign.approvals.models.plans import PLAN_TOOL
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import Unit
from countersign.approvals.rules.budgets.judging import in_entry
from countersign.approvals.rules.pausing import among
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_of, not_executed
from countersign.approvals.store import directory_people
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import pauses as pause_rows
from countersign.approvals.store.requests import Stored


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
        grants: GrantUses,
        budgeting: Budgeting,
        observer: Observer = SILENT,
    ):
        self._asking, self._outcomes, self._outbox = asking, outcomes, outbox
        self._budgeting, self._grants = budgeting, grants
        self._plans = PlanGrants(policies)
        self._validity = Validity(policies, asking, grants, observer, budgeting.rolling)

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
        if request.canary is not None:
            raise IntegrityError(f"Request {request_id} is a test; it never runs.")
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
        refusal = self._validity.why_not(unit, run, stored, arguments, checked, begun=again)
        if isinstance(refusal, AskAgain):
            return refusal
        if refusal is not None and again:
            return self._outcomes.set_in_doubt(unit, run.session, request)
        if isinstance(refusal, Result):
            return self._call_off(unit, run, request, refusal)
        if not again and (called_off := self._plan(unit, run, stored)) is not None:
            return self._call_off(unit, run, request, called_off)
        budgets = request.budgets if again else self._reserve(unit, run, request)
        if isinstance(budgets, AskAgain):
            return budgets
        if isinstance(budgets, Result):
            return self._call_off(unit, run, request, budgets)
        if refusal is not None:
            self._grants.count(unit, request, run.session, *refusal)
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

    def _plan(self, unit: Unit, run: Run, stored: Stored) -> Result | None:
        """Grant the steps of a plan; or why it is called off. None for every other call."""
        if stored.request.tool != PLAN_TOOL:
            return None
        votes = approval(unit, stored, by_rule=False).votes
        return self._plans.give(unit, stored.request, run.session, votes)

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

    def _known(self, unit: Unit, stored: Stored, request: Request, result: Result) -> Result:
        """What became of it; a person's answer to a question only as the ledger has it."""
        if request.kind is not RequestKind.INPUT or request.status is not RequestStatus.APPROVED:
            return result
        try:
            approval(unit, stored, by_rule=False)
        except EvidenceError as exc:
            return self._validity.forged(unit, request, str(exc))
        return result

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
