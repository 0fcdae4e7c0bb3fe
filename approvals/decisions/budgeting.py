"""Budgeting: rulings with the budgets that a call draws on, and what a claim reserves of them.

A use is reserved in the transaction of the claim, by counters that are locked there, and taken back
only where it is certain that nothing has happened. So no budget is exceeded, whatever runs beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from countersign.approvals.decisions.rolling import Rolling
from countersign.approvals.models import (
    Effect,
    JsonObject,
    Limit,
    Proposal,
    Request,
    RequestKind,
    Ruling,
    Standing,
    ToolCall,
    Via,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.budgets.charges import Account, Charge, UncountableError, Used
from countersign.approvals.rules.budgets.judging import RUNS, Usage, judged, standing, uncountable
from countersign.approvals.rules.conditions.amount import plus
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.edited import rule_request
from countersign.approvals.rules.policies import Policies
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.rules.seeing import seen_of
from countersign.approvals.store import budgets as budget_rows
from countersign.approvals.store import requests as request_rows

Standings: TypeAlias = Mapping[str, JsonObject | None]
NO_STANDINGS: Standings = {}


class Budgeting:
    """Knows the policy; each method belongs into a transaction or a read."""

    def __init__(self, policies: Policies, rolling: Rolling | None = None):
        self._policies, self.rolling = policies, rolling or Rolling(policies)

    def ruling_on(
        self, connection: Connection, request: Request, situation: Situation, now: datetime
    ) -> Ruling:
        """What the policy says of a request as it stands, its budgets included, with the people of
        the call that was proposed."""
        policy, call = self._policies.current, call_of(request, request.arguments)
        ruling = rule_request(policy, request, situation)
        return with_budgets(policy, ruling, call, situation, connection, now)

    def usage(
        self,
        connection: Connection,
        proposals: Sequence[Proposal],
        situation: Situation,
        now: datetime,
    ) -> Usage:
        """What is used of all that these calls may draw on."""
        policy = self._policies.current
        charges = [c for each in proposals for c in charges_of(policy, each, situation)]
        charges += [c for each in proposals for c in _counted(policy, each, situation)]
        return _used(connection, charges, now)

    def may_ask(self, call: ToolCall, situation: Situation) -> bool:
        """Whether people are asked of a call, or are if enough is used of its budgets."""
        policy = self._policies.current
        if policy.needs(call, situation.workflow):  # nobody has counted yet
            return True
        effect = policy.rule(call, situation).effect
        if effect is not Effect.ALLOW:
            return effect is Effect.REQUIRE_APPROVAL
        with suppress(UncountableError):
            return any(each.budget.is_soft for each in policy.charges(call, situation))
        return False

    def draws(self, proposals: Sequence[Proposal], situation: Situation) -> bool:
        """Whether any of them draws on a budget, or is counted, so that `usage` has to be read."""
        policy = self._policies.current
        return any(
            charges_of(policy, each, situation) or _counted(policy, each, situation)
            for each in proposals
        )

    def standings(
        self, connection: Connection, proposals: Sequence[Proposal], workflow: str | None
    ) -> Standings:
        """Where rules stand for each of these calls, by its id."""
        return {
            each.call.call_id: self.rolling.look(connection, each.call, workflow)
            for each in self.by_phases(proposals, workflow)
        }

    def by_phases(self, proposals: Sequence[Proposal], workflow: str | None) -> Sequence[Proposal]:
        """Those under a rule that comes by phases."""
        policy = self._policies.current
        if not policy.by_phases:
            return ()
        sound = (p for p in proposals if p.kind is RequestKind.TOOL and p.problem is None)
        return [each for each in sound if policy.needs(each.call, workflow).rollout]

    def reserve(self, unit: Unit, request: Request, call: ToolCall, situation: Situation) -> Ruling:
        """Draw on the budgets of a call that is about to be claimed; the ruling with where they
        stand now. Nothing is drawn where that denies, or asks of more than the request has asked.
        """
        policy = self._policies.current
        ruling = policy.rule(call, situation)
        try:
            charges = policy.charges(call, situation)
        except UncountableError as exc:
            return uncountable(ruling, exc)
        everything = [*charges, *policy.watched(call, situation).values()]
        everything.sort(key=lambda charge: charge.account)
        before = {each.account: budget_rows.locked(unit, each) for each in everything}
        stands = [_stands(unit.connection, c, before[c.account], unit.now) for c in charges]
        now = judged(ruling, stands, policy.document.budgets)
        if now.effect is not Effect.DENY and not asks_more(request, now):
            for charge in everything:
                budget_rows.draw(unit, request, charge, before[charge.account])
        return now

    def see(
        self,
        connection: Connection,
        request: Request,
        arguments: JsonObject,
        situation: Situation,
        now: datetime,
    ) -> JsonObject | None:
        """What conditions see of a request with these arguments, looked at anew."""
        policy, call = self._policies.current, call_of(request, arguments)
        needs = policy.needs(call, situation.workflow)
        if not needs:
            return None
        counts = {
            name: budget_rows.used(connection, charge, now).count
            for name, charge in policy.watched(call, situation).items()
        }
        together = request_rows.of_checkpoint(connection, request.session_id, request.checkpoint_id)
        calls = [call_of(each, each.arguments) for each in together if each.id != request.id]
        seen = seen_of(needs, counts, [*calls, call], policy.book.reversibility)
        if not needs.rollout:
            return seen
        found = self.rolling.again(connection, request, call, situation.workflow)
        return {**(seen or {}), "rollout": found}

    def release(self, unit: Unit, request: Request) -> JsonObject:
        """Take back what a call has drawn, as nothing has happened; what its ledger entry says of
        that."""
        if not request.budgets and not (request.seen or {}).get("history"):
            return {}
        released = budget_rows.release(unit, request)
        return {"released": released} if released else {}


def passes_soft(standings: Iterable[Standing]) -> bool:
    """Whether a soft limit would be passed: people have to be asked."""
    return any(each.passes is Limit.SOFT for each in standings)


def asks_more(request: Request, ruling: Ruling) -> bool:
    """Whether a call that passes a soft limit would have to ask others than were asked."""
    if not passes_soft(ruling.budgets):
        return False
    if request.decision is not None and request.decision.via in (Via.POLICY, Via.CLOCK, Via.GRANT):
        return True  # nobody was asked, or nobody has answered
    asked: dict[tuple[str, ...], int] = {}
    for stage in request.stages:
        asked[stage.roles] = max(stage.quorum, asked.get(stage.roles, 0))
    return any(stage.quorum > asked.get(stage.roles, 0) for stage in ruling.stages)


def charges_of(policy: Policy, proposal: Proposal, situation: Situation) -> Sequence[Charge]:
    """What a proposal draws on; nothing, if it is no call that could run."""
    if proposal.kind is not RequestKind.TOOL or proposal.problem is not None:
        return ()
    try:
        return policy.charges(proposal.call, situation)
    except UncountableError:  # it is denied for that
        return ()


def _counted(policy: Policy, proposal: Proposal, situation: Situation) -> Iterable[Charge]:
    """Where a proposal is counted for conditions."""
    if proposal.kind is not RequestKind.TOOL or proposal.problem is not None:
        return ()
    return policy.watched(proposal.call, situation).values()


def with_budgets(
    policy: Policy,
    ruling: Ruling,
    call: ToolCall,
    situation: Situation,
    connection: Connection,
    now: datetime,
) -> Ruling:
    """A ruling with the budgets of the call, by what is used now."""
    if ruling.effect not in RUNS:
        return ruling
    try:
        charges = policy.charges(call, situation)
    except UncountableError as exc:
        return uncountable(ruling, exc)
    used = _used(connection, charges, now)
    stands = [standing(each, used[each.account], now) for each in charges]
    return judged(ruling, stands, policy.document.budgets)


def _used(connection: Connection, charges: Sequence[Charge], now: datetime) -> Usage:
    found: dict[Account, Used] = {}
    for charge in charges:
        if charge.account not in found:
            used = budget_rows.used(connection, charge, now)
            found[charge.account] = _with_end(connection, charge, used, now)
    return found


def _with_end(connection: Connection, charge: Charge, used: Used, now: datetime) -> Used:
    """With when the call fits again, where it does not and that has to be looked up."""
    if charge.until(now) is not None or standing(charge, used, now).passes is not Limit.HARD:
        return used
    return replace(used, fits_at=budget_rows.fits_at(connection, charge, used, now))


def _stands(connection: Connection, charge: Charge, used: Used, now: datetime) -> Standing:
    return standing(charge, _with_end(connection, charge, used, now), now)


class Ahead:
    """Rulings on the calls of one checkpoint, each with what those before it would draw."""

    def __init__(
        self,
        policy: Policy,
        proposals: Sequence[Proposal],
        situation: Situation,
        usage: Usage,
        now: datetime,
        standings: Standings = NO_STANDINGS,
    ):
        """`standings` says where rules stand, by call id."""
        self._standings = standings
        self._policy, self._situation, self._now = policy, situation, now
        self._used, self._usage = dict(usage), usage
        sound = (p for p in proposals if p.kind is RequestKind.TOOL and p.problem is None)
        self._calls = [each.call for each in sound]

    def seen(self, proposal: Proposal) -> JsonObject | None:
        """What conditions see of the call, beside itself."""
        call, workflow = proposal.call, self._situation.workflow
        if proposal.kind is not RequestKind.TOOL or proposal.problem is not None:
            return None
        needs = self._policy.needs(call, workflow)
        if not needs:
            return None
        counts = {
            name: self._usage.get(charge.account, Used()).count
            for name, charge in self._policy.watched(call, self._situation).items()
        }
        seen = seen_of(needs, counts, self._calls, self._policy.book.reversibility)
        if not needs.rollout:
            return seen
        return {**(seen or {}), "rollout": self._standings.get(call.call_id)}

    def ruling(self, ruling: Ruling, proposal: Proposal) -> Ruling:
        """The ruling with the budgets of the call."""
        if ruling.effect not in RUNS or proposal.kind is not RequestKind.TOOL:
            return ruling
        try:
            charges = self._policy.charges(proposal.call, self._situation)
        except UncountableError as exc:
            return uncountable(ruling, exc)
        stands = [standing(each, self._before(each), self._now) for each in charges]
        after = judged(ruling, stands, self._policy.document.budgets)
        if after.effect in RUNS:
            for each in charges:
                before = self._before(each)
                more = before.count + 1, plus(before.amount, each.amount)
                self._used[each.account] = replace(before, count=more[0], amount=more[1])
        return after

    def _before(self, charge: Charge) -> Used:
        """Nothing where the policy was replaced between: it is looked at again at the claim."""
        return self._used.get(charge.account, Used())
