"""Edited calls: what policy says of a call that a person changed, beside what the agent proposed.

An edit lets nobody out: whoever the proposed call needs decides the changed one, too, and so do
those whom the changed one brings in. Pure.
"""

from __future__ import annotations

from math import inf

from countersign.approvals.models import Effect, Request, Risk, Ruling, ToolCall
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.counterparty import parties_of, ruled_with
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.rules.rulings import failed
from countersign.approvals.rules.tiers import merged, with_second_person
from countersign.approvals.rules.timing import ruled_stages

_RISKS = tuple(Risk)


def rule_request(policy: Policy, request: Request, situation: Situation) -> Ruling:
    """What policy says of a request's call as it stands today. Never raises."""
    call = call_of(request, request.arguments)
    if request.proposed_arguments is None:
        return policy.rule(call, situation)
    return rule_edited(policy, call_of(request, request.proposed_arguments), call, situation)


def rule_edited(policy: Policy, proposed: ToolCall, call: ToolCall, situation: Situation) -> Ruling:
    """What policy says of `call`, which a person made of `proposed`. Never raises."""
    ruling, before = policy.rule(call, situation), policy.rule(proposed, situation)
    ruling = ruled_with(_together(before, ruling), parties_of(before.stages))
    if ruling.effect is not Effect.REQUIRE_APPROVAL:
        return ruling
    try:
        second = any(_second_person(policy, each, call, situation) for each in (proposed, call))
    except _UndecidedError as exc:
        return exc.ruling
    if not second:
        return ruling
    return ruling.model_copy(update={"stages": with_second_person(ruling.stages)})


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


def _second_person(policy: Policy, under: ToolCall, call: ToolCall, situation: Situation) -> bool:
    """Whether the rule on `under` wants somebody besides whoever made `call`."""
    for name in policy.names_of(call.tool):
        named = {"tool": name}
        entry, _ = policy.book.decide(under.model_copy(update=named), situation)
        if entry is None or entry.second_person is None:
            continue
        try:
            facts = policy.book.facts(call.model_copy(update=named), situation)
            if entry.wants_second_person(facts):
                return True
        except EvaluationError as exc:
            raise _UndecidedError(failed(entry, exc)) from exc
    return False


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
