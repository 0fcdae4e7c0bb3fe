"""Rulings: what is said of a call by a rule, by one that cannot be asked, and by none."""

from __future__ import annotations

from countersign.approvals.models import AtDeadline, Effect, Reversibility, Risk, Ruling, TimeRule
from countersign.approvals.models.time_rules import ANY_TIME
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.entries import Entry
from countersign.approvals.rules.tool_rules import Rule

UNKNOWN_RULE = "unknown-tool"
"""Denies what no rule names."""
UNDOABLE = frozenset({Reversibility.READ_ONLY, Reversibility.REVERSIBLE})
"""Classes of what may run although nobody has decided, if its rule says so."""
_REASONS = {
    Effect.ALLOW: "{tool} may run without asking.",
    Effect.DENY: "{tool} is forbidden.",
    Effect.REQUIRE_APPROVAL: "{tool} needs a person's approval.",
    Effect.SHADOW: "{tool} is in shadow mode: proposed, recorded, not run.",
}


def ruling_of(rule: Rule, rule_id: str, tool: str, reversibility: Reversibility) -> Ruling:
    """What a rule says of every call of a tool that it matches; the class is the tool's."""
    asks = rule.effect is Effect.REQUIRE_APPROVAL
    return Ruling(
        effect=rule.effect,
        rule_id=rule_id,
        reason=rule.reason or _REASONS[rule.effect].format(tool=tool),
        risk=rule.risk,
        stages=rule.tiers(),
        deadline_s=None if rule.deadline is None else rule.deadline.seconds,
        channels=rule.channels if asks else (),
        show_first=rule.show_first,
        after_rejection=rule.after_rejection,
        on_error=rule.on_error,
        tool_timeout_s=rule.tool_timeout,
        valid_for_s=rule.valid_for_s if asks else None,
        time=_time(rule, reversibility) if asks else ANY_TIME,
        step_up_s=rule.step_up if asks else None,
    )


def _time(rule: Rule, reversibility: Reversibility) -> TimeRule:
    """What the rule says of time: nothing runs by itself that cannot be undone here."""
    time = rule.time
    if time.at_deadline is AtDeadline.APPROVE and reversibility not in UNDOABLE:
        return time.model_copy(update={"at_deadline": AtDeadline.REJECT})
    return time


def undecided(entry: Entry, error: EvaluationError) -> Ruling:
    """The ruling on a call of which nobody can say with whom it is."""
    return Ruling(
        effect=Effect.DENY,
        rule_id=entry.id,
        reason=(
            f"The rule {entry.id} keeps the counterparty from deciding, and who that is cannot be "
            f"said: {error}. What cannot be decided is denied."
        ),
        risk=entry.rule.risk,
    )


def failed(entry: Entry, error: EvaluationError) -> Ruling:
    """The ruling where a condition says neither yes nor no."""
    return Ruling(
        effect=Effect.DENY,
        rule_id=entry.id,
        reason=(
            f"The condition of the rule {entry.id} cannot be decided: {error}. What cannot be "
            "decided is denied."
        ),
        risk=entry.rule.risk,
    )


def unknown(tool: str, *, named: bool) -> Ruling:
    """The ruling on what no rule is for; `named` says that there are rules for the tool."""
    reason = f"No rule names the tool {tool}; unknown tools are denied."
    if named:
        reason = f"No rule for {tool} matches this call; what no rule matches is denied."
    return Ruling(effect=Effect.DENY, rule_id=UNKNOWN_RULE, reason=reason, risk=Risk.HIGH)
