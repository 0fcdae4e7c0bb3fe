"""Validity: whether an approval still holds for the call that is about to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as replace_in
from functools import partial

from countersign.approvals.decisions.asking import RULE_CHANGED, AskAgain, Asking
from countersign.approvals.decisions.evidence import EvidenceError, approval
from countersign.approvals.decisions.grant_uses import GrantUses
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.rolling import Rolling
from countersign.approvals.decisions.staleness import NOT_RUN, Found, drifted, lapsed
from countersign.approvals.errors import (
    CheckFailedError,
    HeldError,
    InvalidError,
    PreconditionFailedError,
)
from countersign.approvals.models import (
    Cause,
    Effect,
    Grant,
    JsonObject,
    People,
    Request,
    Result,
    Ruling,
    Used,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.observer import Observer
from countersign.approvals.ports import Unit
from countersign.approvals.rules.authority import outdated_duty, revoked
from countersign.approvals.rules.edited import rule_request
from countersign.approvals.rules.grants import votes_of
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_digest, call_of, not_executed
from countersign.approvals.rules.silence import against_silence
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.requests import Stored

DRIFT_MESSAGE = "What is about to run is not what was approved. Nothing was run."
WAITS_FOR_PEOPLE = "It runs once that directory has been read again."
FORGED_MESSAGE = (
    "The ledger does not have this approval on record, so nothing was run. Operators have been "
    "told: run `countersign ledger verify`"
)


class Validity:
    """Each method belongs into the transaction of the claim."""

    def __init__(
        self,
        policies: Policies,
        asking: Asking,
        grants: GrantUses,
        observer: Observer,
        rolling: Rolling,
    ):
        self._rolling = rolling
        self._policies, self._asking = policies, asking
        self._grants, self._observer = grants, observer

    def why_not(
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
            return self.forged(unit, request, str(exc))
        seen = self._seen(unit, run, request)
        situation = situation_of(run.session, unit.moment.people, request.created_at, seen)
        ruling = rule_request(self._policies.current, request, situation)
        if ruling.effect is Effect.DENY:
            return not_executed(Cause.DENIED_BY_POLICY, ruling.reason)
        if ruling.effect is Effect.SHADOW:
            return not_executed(Cause.SHADOW, ruling.reason)
        if by_rule:
            if isinstance(checked, PreconditionFailedError | CheckFailedError):
                return not_executed(Cause.PRECONDITION, f"{checked} {NOT_RUN}", retry=True)
            if ruling.effect is not Effect.ALLOW:
                message = "The policy was changed: this now needs a person. Propose it again."
                return not_executed(Cause.DRIFT, message, retry=True)
            if (again := self._asking.needed(request, run.session, unit.moment)) is not None:
                return not_executed(Cause.DRIFT, f"{again.why} Propose it again.", retry=True)
            return None
        grant: tuple[Grant, Used] | None = None
        if evidence.grant is not None and not begun:
            looked = self._grants.look(unit, request, run.session, evidence.grant)
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
            return self.forged(unit, request, "its votes do not add up to a yes")
        unproven = any(
            vote.proof is None for vote in evidence.votes if vote.verdict is Verdict.APPROVE
        )
        if ruling.step_up_s is not None and unproven and not begun:
            why = RULE_CHANGED.format(tool=request.tool)
            return AskAgain(request, run.session, why, tool_changed=False)
        if begun:  # in time
            return None
        self._require_known(unit, request, evidence.votes, people)
        calendars = self._policies.current.calendars
        over = lapsed(request, run.session, evidence, ruling, unit.now, calendars)
        return over or drifted(request, run.session, evidence, checked) or grant

    def _require_known(
        self, unit: Unit, request: Request, votes: Sequence[Vote], people: People
    ) -> None:
        """Raise HeldError if it is too long ago that a directory was asked about an approver, or
        the schedule by which they were on call was read."""
        for vote in votes:
            for known in {vote.principal_id, vote.seat}:
                person = people.by_id(known)
                outdated = None if person is None else people.outdated(person, unit.now)
                if outdated is not None:
                    raise HeldError(f"{outdated} {WAITS_FOR_PEOPLE}")
            seat = people.by_id(vote.seat)
            stages = [request.stages[number] for number in (vote.stage, *vote.also)]
            if (
                seat is not None
                and (outdated := outdated_duty(people, seat, stages, unit.now)) is not None
            ):
                raise HeldError(f"{outdated} {WAITS_FOR_PEOPLE}")

    def _seen(self, unit: Unit, run: Run, request: Request) -> JsonObject | None:
        """What was seen when it was proposed; but where its rules stand, as they do now: one that
        has fallen back since lets nothing run any more that people would have to be asked of."""
        if "rollout" not in (request.seen or {}):
            return request.seen
        call = call_of(request, request.arguments)
        found = self._rolling.again(unit.connection, request, call, run.session.workflow)
        return {**(request.seen or {}), "rollout": found}

    def _against_silence(self, unit: Unit, request: Request, ruling: Ruling) -> str | None:
        """Why what its deadline has approved does not run now; None if it does."""
        return against_silence(
            request,
            ruling,
            request_rows.checkpoint_with(unit.connection, request),
            delivery_rows.of_request(unit.connection, request.id),
            self._policies.current.book.reversibility,
        )

    def forged(self, unit: Unit, request: Request, why: str) -> Result:
        """The tables say that it was approved, the ledger does not: operators have to know."""
        body: JsonObject = {"request": request.id, "digest": request.digest, "reason": why}
        ledger_rows.append(unit, request.session_id, ("evidence_missing", body))
        alarm = partial(self._observer.evidence_missing, request, why)
        unit.after_commit.append(alarm)
        return not_executed(Cause.DRIFT, f"{FORGED_MESSAGE} ({why}).")
