"""Edited calls: what policy says of a call that a person changed, beside what the agent proposed.

An edit lets nobody out: whoever the proposed call needs decides the changed one, too, and so do
those whom the changed one brings in. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from countersign.approvals.models import Effect, PrincipalId, Request, Risk, Ruling, ToolCall
from countersign.approvals.models.plans import PLAN_TOOL
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.counterparty import parties_of, ruled_with
from countersign.approvals.rules.plans import calls_of, read
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.rules.rulings import failed
from countersign.approvals.rules.segregation import editors_of, with_editors
from countersign.approvals.rules.tiers import merged, with_second_person
from countersign.approvals.rules.timing import ruled_stages

_RISKS = tuple(Risk)


def rule_request(policy: Policy, request: Request, situation: Situation) -> Ruling:
    """What policy says of a request's call as it stands today. Never raises."""
    call = call_of(request, request.arguments)
    if request.proposed_arguments is None:
        return policy.rule(call, situation)
    proposed = call_of(request, request.proposed_arguments)
    return rule_edited(policy, proposed, call, situation, editors_of(request.stages))


def rule_edited(
    policy: Policy,
    proposed: ToolCall,
    call: ToolCall,
    situation: Situation,
    editors: Sequence[PrincipalId] = (),
) -> Ruling:
    """What policy says of `call`, which `editors` made of `proposed`. Never raises.

    Where they are kept out and nobody knows who they are, as the rule was another one then, none of
    them can count alone.
    """
    ruling, before = policy.rule(call, situation), policy.rule(proposed, situation)
    ruling = ruled_with(_together(before, ruling), parties_of(before.stages))
    if ruling.effect is not Effect.REQUIRE_APPROVAL:
        return ruling
    try:
        costs = [_costs(policy, under, each, situation) for under, each in _costly(proposed, call)]
    except _UndecidedError as exc:
        return exc.ruling
    stages = ruling.stages
    kept_out = any(cost.without_editor for cost in costs)
    if any(cost.second_person for cost in costs) or (kept_out and not editors):
        stages = with_second_person(stages)
    if any(cost.names_editors for cost in costs):
        stages = with_editors(stages, editors, decide=not kept_out)
    return ruling if stages is ruling.stages else ruling.model_copy(update={"stages": stages})


def asks_others(request: Request, ruling: Ruling) -> bool:
    """Whether the rule of today asks more, fewer or other people than the one it was asked by."""
    return (ruling.stages, ruling.rule_id, ruling.risk) != (
        ruled_stages(request),
        request.rule_id,
        request.risk,
    )


class _UndecidedError(Exception):
    """A condition says neither yes nor no; `ruling` denies with its reason."""

    def __init__(self, ruling: Ruling):
        super().__init__(ruling.reason)
        self.ruling = ruling


@dataclass(frozen=True)
class _Cost:
    """What an edit costs whoever made it."""

    second_person: bool = False
    without_editor: bool = False
    names_editors: bool = False
    """Whether the rule may keep out who has changed its calls, at this or at another value."""


def _costly(proposed: ToolCall, call: ToolCall) -> Sequence[tuple[ToolCall, ToolCall]]:
    """Under which call's rule the edit costs what, for which call. A plan is its steps: an edit
    leaves the arguments of each as they are."""
    if call.tool == PLAN_TOOL:
        return [(each, each) for each in calls_of(read(call.arguments), call)]
    return [(proposed, call), (call, call)]


def _costs(policy: Policy, under: ToolCall, call: ToolCall, situation: Situation) -> _Cost:
    """What the rule on `under` asks of whoever made `call`."""
    cost = _Cost()
    for name in policy.names_of(call.tool):
        named = {"tool": name}
        entry, _ = policy.book.decide(under.model_copy(update=named), situation)
        if entry is None or not entry.edits:
            continue
        try:
            facts = policy.book.facts(call.model_copy(update=named), situation)
            cost = _Cost(
                cost.second_person or entry.costs("second_person_above", facts),
                cost.without_editor or entry.costs("without_editor_above", facts),
                cost.names_editors or "without_editor_above" in entry.edits,
            )
        except EvaluationError as exc:
            raise _UndecidedError(failed(entry, exc)) from exc
    return cost


def _together(before: Ruling, after: Ruling) -> Ruling:
    """The ruling on the changed call, with the people and the limits of the proposed one."""
    if before.effect is not Effect.REQUIRE_APPROVAL or before.rule_id == after.rule_id:
        return after
    if after.effect is Effect.ALLOW:
        return before
    if after.effect is not Effect.REQUIRE_APPROVAL:
        return after
    stages = merged(before.stages, after.stages)
    sooner = min((after, before), key=lambda each: each.deadline_s or inf)
    reason = after.reason
    if stages != after.stages:
        reason = f"{reason} As it was proposed, {before.rule_id} rules on it as well."
    return after.model_copy(
        update={
            "stages": stages,
            "reason": reason,
            "risk": max(before.risk, after.risk, key=_RISKS.index),
            "deadline_s": sooner.deadline_s,
            "time": sooner.time,
            "valid_for_s": _shorter(before.valid_for_s, after.valid_for_s),
            "step_up_s": _shorter(before.step_up_s, after.step_up_s),
            "channels": tuple(dict.fromkeys([*after.channels, *before.channels])),
        }
    )


def _shorter(one: float | None, other: float | None) -> float | None:
    spans = [each for each in (one, other) if each is not None]
    return min(spans, default=None)
