"""The sentences of the IT script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from countersign.sandbox.openai.scripts.language import money
from countersign.sandbox.openai.scripts.outcomes import Outcome, not_done, why_not


class Refused(Protocol):
    """A plan that the policy forbids."""

    @property
    def plan(self) -> Mapping[str, Any]:
        """What was asked about."""
        ...

    @property
    def reasons(self) -> Sequence[str]:
        """Why not."""
        ...

    @property
    def alternative(self) -> Mapping[str, Any] | None:
        """What would be allowed."""
        ...


def plan_lines(plan: Mapping[str, Any]) -> str:
    """The plan, one argument a line."""
    return "\n".join(["Plan:", *(f"- {name}: {value}" for name, value in plan.items())])


def against_policy(checked: Refused) -> str:
    """Why nobody was asked, and what would be allowed."""
    reasons = " ".join(checked.reasons)
    said = f"Nothing was proposed, it is against the IT policy: {reasons}"
    if checked.alternative is None:
        return f"{said} There is no compliant alternative."
    other = ", ".join(
        f"{name} {value}"
        for name, value in checked.alternative.items()
        if checked.plan.get(name) != value
    )
    return f"{said} This would be allowed: {other}. Ask for it like that and I will propose it."


def done(tool: str, last: Outcome) -> str:
    """What was really provisioned."""
    used = last.arguments
    changed = f", as changed by {last.decided_by or 'the approver'}" if last.changed else ""
    when = "" if used["window"] == "now" else f", in the window {used['window']}"
    if tool == "change_firewall":
        return (
            f"Port {used['port']} is opened from {used['source']} to {used['target']}"
            f"{when}{changed}."
        )
    made = last.result if isinstance(last.result, Mapping) else {}
    cost = money(float(made.get("monthly_cost_eur", used["monthly_cost_eur"])), "EUR")
    return (
        f"{used['name']} is provisioned: {used['size']} {used['unit']} in {used['region']}, "
        f"{cost} a month{when}{changed}."
    )


def nothing_done(last: Outcome) -> str:
    """That nothing was provisioned, and why."""
    return not_done("Nothing was provisioned", "it was provisioned", plain(last))


def plain(outcome: Outcome) -> Outcome:
    """The same without the last full stop."""
    return replace(outcome, words=outcome.words.rstrip("."))


def escalated(last: Outcome, incident: Outcome) -> str:
    """That the on-call has it now, or that not even that worked."""
    said = nothing_done(last)
    if not incident.executed or not isinstance(incident.result, Mapping):
        return f"{said} No incident could be opened, {why_not(incident)}: please call the on-call."
    number, who = incident.result.get("incident"), incident.result.get("assigned_to")
    return f"{said} There is no alternative, so I opened {number}; the {who} takes it from here."
