"""One rule for one tool, its conditions ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from countersign.approvals.models import UNASKED, JsonObject, Phase, Reversibility, Ruling
from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import Facts
from countersign.approvals.rules.conditions.parties import Parties
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.counterparty import ruled_with
from countersign.approvals.rules.rollout.phases import by_phase, phase_of
from countersign.approvals.rules.tool_rules import Rule


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule for one tool."""

    id: str
    rule: Rule
    condition: Condition | Checked | None
    """Checked: it is wrong for this tool, so its rule denies whatever comes to it."""
    ruling: Ruling
    edits: Mapping[str, Condition | Checked] = field(default_factory=dict)
    """As `condition`: what changes of its arguments cost, by `edit_terms.CONDITIONS`."""
    parties: tuple[Parties, ...] = ()
    """With whom its calls are."""
    gates: tuple[Condition | Checked, ...] = ()
    """What a call meets of which nobody is asked."""
    reversibility: Reversibility = Reversibility.IRREVERSIBLE
    """Of the tool."""

    def ruled(self, facts: Callable[[], Facts], standing: JsonObject | None = None) -> Ruling:
        """What it says of one call; `standing` is where rules stood when it was proposed. Raises
        EvaluationError."""
        ruling = self.ruling
        if self.parties:
            known = facts()
            names = [name for each in self.parties for name in each.named(known)]
            ruling = ruled_with(ruling, names)
        if self.rule.rollout is None:
            return ruling
        phase = phase_of(self.rule, self.id, standing)
        return by_phase(ruling, phase, asked=not self._runs_unasked(facts, standing, phase))

    def _runs_unasked(
        self, facts: Callable[[], Facts], standing: JsonObject | None, phase: Phase
    ) -> bool:
        """Whether nobody has to be asked of a call in this phase; whatever cannot be said: no."""
        if phase not in UNASKED or self.reversibility is Reversibility.IRREVERSIBLE:
            return False
        if standing is None or standing.get("refused"):
            return False
        if phase is Phase.SAMPLED and standing["rules"][self.id].get("asked") is not False:
            return False
        known = facts()
        try:
            return bool(self.gates) and all(self._says(each, known) for each in self.gates)
        except EvaluationError:
            return False

    def holds(self, facts: Facts) -> bool:
        """What its condition says. Raises EvaluationError."""
        condition = self.condition
        if type(condition) is Condition:  # nearly all, and asked most of all that is asked
            return condition.holds(facts)
        return condition is None or self._says(condition, facts)

    def costs(self, key: str, facts: Facts) -> bool:
        """Whether changing a call to this costs what `key` says. Raises EvaluationError."""
        condition = self.edits.get(key)
        return condition is not None and self._says(condition, facts)

    def _says(self, condition: Condition | Checked, facts: Facts) -> bool:
        if isinstance(condition, Checked):
            raise EvaluationError(f"rule {self.id}", f"is wrong: {condition.problems[0]}")
        return condition.holds(facts)


@dataclass(frozen=True)
class Said:
    """What one rule says of a call."""

    entry: Entry
    matched: bool
    error: EvaluationError | None = None
