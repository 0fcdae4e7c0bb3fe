"""Explaining: why a call comes under its rule, and not under those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from countersign.approvals.models import Reversibility, Ruling, ToolCall, Value
from countersign.approvals.rules.budgets.charges import UncountableError, Used
from countersign.approvals.rules.budgets.judging import RUNS, judged, standing, uncountable
from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.facts import NOWHERE, Facts, Situation
from countersign.approvals.rules.entries import Said
from countersign.approvals.rules.grants import Grants
from countersign.approvals.rules.ordered_rules import TOOLS_PREFIX
from countersign.approvals.rules.policy import Policy


class Considered(Value):
    """One rule that was looked at, in the order of the policy."""

    rule: str
    matched: bool
    why: str
    is_for_tool: bool = True
    """Whether it is for the tool of the call at all."""


class Explanation(Value):
    """What a policy says of a call, and how it comes to that."""

    ruling: Ruling
    reversibility: Reversibility
    considered: tuple[Considered, ...]
    """The rules up to the one that rules on the call; all, where none does."""
    policy_version: str
    grants: Grants | None = None
    """What people may give while they approve such a call."""
    workflow: str = ""
    """In which it would be proposed; "" where nobody knows."""


def explain(
    policy: Policy,
    call: ToolCall,
    situation: Situation = NOWHERE,
    used: Mapping[str, Used] | None = None,
) -> Explanation:
    """The ruling on a call, with every rule that was considered, and with its budgets where so much
    was `used` of them before; nothing of those that are not named."""
    said = {each.entry.id: each for each in policy.book.considered(call, situation)}
    facts = policy.book.facts(call, situation)
    permitted = policy.permits(call, situation)
    return Explanation(
        workflow=situation.workflow or "",
        grants=None if permitted is None else permitted.grants,
        ruling=ruling_after(policy, call, situation, used or {}),
        reversibility=policy.book.reversibility(call.tool),
        considered=tuple(_considered(policy, call, said, facts)),
        policy_version=policy.version,
    )


def ruling_after(
    policy: Policy, call: ToolCall, situation: Situation, used: Mapping[str, Used]
) -> Ruling:
    """The ruling where so much was used of the budgets, by name."""
    ruling = policy.rule(call, situation)
    if ruling.effect not in RUNS:
        return ruling
    try:
        charges = policy.charges(call, situation)
    except UncountableError as exc:
        return uncountable(ruling, exc)
    now = situation.at or datetime.now(UTC)
    stands = [standing(each, used.get(each.account.budget, Used()), now) for each in charges]
    return judged(ruling, stands, policy.document.budgets)


def _considered(
    policy: Policy, call: ToolCall, said: dict[str, Said], facts: Facts
) -> Iterator[Considered]:
    for rule in policy.document.rules:
        one = said.get(rule.id)
        if one is None:
            tools = ", ".join(rule.tool)
            why = f"it is for {tools}, not for {call.tool}"
            yield Considered(rule=rule.id, matched=False, why=why, is_for_tool=False)
            continue
        yield Considered(rule=rule.id, matched=one.matched, why=_why(one, facts))
        if one.matched or one.error is not None:
            return
    short = said.get(f"{TOOLS_PREFIX}{call.tool}")
    if short is not None:
        why = f"it is for every call of {call.tool}"
        yield Considered(rule=short.entry.id, matched=True, why=why)


def _why(said: Said, facts: Facts) -> str:
    condition = said.entry.condition
    if said.error is not None:
        return f"its condition cannot be decided: {said.error}"
    if condition is None or isinstance(condition, Checked):
        return "it has no condition"
    return condition.why(facts) if said.matched else condition.why_not(facts)
