"""Planning: what a policy says of a plan, step by step."""

from __future__ import annotations

from typing import Protocol

from countersign.approvals.models import Ruling, ToolCall
from countersign.approvals.models.plans import PlanStep
from countersign.approvals.rules import granting, plans
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.grants import Permitted
from countersign.approvals.rules.rulebook import Rulebook


class Ruler(Protocol):
    """The policy, as far as plans need it."""

    book: Rulebook

    def rule(self, call: ToolCall, situation: Situation) -> Ruling:
        """What it says of one call."""

    def permits(self, call: ToolCall, situation: Situation, plan: bool = False) -> Permitted | None:
        """What may be approved of calls like this one in a plan."""


def rule_plan(policy: Ruler, call: ToolCall, situation: Situation) -> Ruling:
    """What is said of a plan: everybody whom its calls ask, or why nobody is asked."""

    def against(each: ToolCall, step: PlanStep, ruled: Ruling) -> str | None:
        if policy.permits(each, situation, plan=True) is None:
            return plans.NOT_IN_PLANS.format(rule=ruled.rule_id)
        why = plans.against_varying(step, policy.book.reversibility(each.tool))
        if why is not None or not step.when:
            return why
        workflow = situation.workflow or ""
        wrong = granting.reason_against_condition(step.when, policy.book, workflow, each.tool)
        if wrong is not None:
            return f"when: {wrong.rstrip('.')}"
        facts = policy.book.facts(each, situation)
        return granting.untrue([step.when], policy.book, workflow, each.tool, facts)

    return plans.ruling(call, lambda each: policy.rule(each, situation), against)
