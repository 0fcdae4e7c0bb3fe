"""Phases: where a rule stands when a call is proposed, and what it says of the call then. Pure.

Where rules stand is read once, when a call is proposed, and kept with the request under `rollout`
of what was seen: so a ruling is the same whenever it is asked for again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from countersign.approvals.forms.rollouts import PHASES
from countersign.approvals.models import (
    UNASKED,
    Effect,
    JsonObject,
    Phase,
    Reversibility,
    RolloutStanding,
    Ruling,
)
from countersign.approvals.models.time_rules import ANY_TIME
from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.rollout.terms import meaning_of, terms_of
from countersign.approvals.rules.tool_rules import Rule

if TYPE_CHECKING:
    from countersign.approvals.rules.entries import Entry
    from countersign.approvals.rules.rulebook import Rulebook


def stands_at(rule: Rule, rule_id: str, standing: RolloutStanding | None) -> Phase:
    """The phase of a rule by what is stored of it: the first, where nothing is, or where the rule
    means something else by now. Its rollout must be there."""
    if standing is None or standing.meaning != meaning_of(rule, rule_id):
        return terms_of(rule, rule_id).phases[0]
    return standing.phase


def phase_of(rule: Rule, rule_id: str, seen: JsonObject | None) -> Phase:
    """The phase of a rule for a call by what was seen when that was proposed."""
    known = (seen or {}).get("rules", {}).get(rule_id)
    if known is None or known["meaning"] != meaning_of(rule, rule_id):
        return terms_of(rule, rule_id).phases[0]
    return Phase(known["phase"])


def by_phase(ruling: Ruling, phase: Phase, *, asked: bool) -> Ruling:
    """What a rule says of a call in a phase; `asked` is whether people have to be."""
    if phase is Phase.SHADOW:
        reason = (
            f"{ruling.rule_id} is in shadow: proposed and recorded, not run. A person does it by "
            "hand."
        )
        return _unasked(ruling, Effect.SHADOW, reason)
    if asked:
        return ruling
    reason = f"{ruling.rule_id} is {PHASES[phase]}: nobody is asked of this call, within its gates."
    return _unasked(ruling, Effect.ALLOW, reason)


def _unasked(ruling: Ruling, effect: Effect, reason: str) -> Ruling:
    return ruling.model_copy(
        update={
            "effect": effect,
            "reason": reason,
            "channels": (),
            "valid_for_s": None,
            "time": ANY_TIME,
            "step_up_s": None,
        }
    )


def as_ruled(rule: Rule, ruling: Ruling) -> Rule:
    """A rule without phases that says what this one has said of a call; of a function with several
    names, none of which lets it run unasked."""
    if rule.rollout is None:
        return rule
    effect = Effect.SHADOW if ruling.effect is Effect.SHADOW else Effect.REQUIRE_APPROVAL
    return rule.model_copy(update={"rollout": None, "effect": effect})


def problems(book: Rulebook) -> Iterator[tuple[str, str]]:
    """What is wrong with rollouts, by where they stand in the policy, compared with the tools that
    are known."""
    for place, tool, entry in rollouts(book):
        terms = entry.rule.rollout
        if terms is None or not UNASKED.intersection(terms.phases):
            continue
        if entry.reversibility is Reversibility.IRREVERSIBLE and (
            tool in book.classes or tool in book.known.names
        ):
            yield (
                f"{place}.rollout.phases",
                f"{tool} cannot be undone, so people are always asked of it; remove sampled and "
                "autonomous, or name its class under policy.reversibility",
            )
        for text, gate in zip(terms.gates, entry.gates, strict=True):
            wrong = gate.problems if isinstance(gate, Checked) else gate.checked.problems
            for says in wrong:
                yield f"{place}.rollout.gates", f"{text!r}: {says}"


def rollouts(book: Rulebook) -> Iterator[tuple[str, str, Entry]]:
    """The rules that come by phases: where each stands in the policy, and each tool that it is
    for, as far as tools are known."""
    for tool in sorted(book.names()):
        for entry in book.entries_of(tool):
            if entry.rule.rollout is not None:
                place = entry.id if entry.id.startswith("tools.") else f"rules.{entry.id}"
                yield place, tool, entry
