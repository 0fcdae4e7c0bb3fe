"""One rule for one tool, its conditions ready to be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from countersign.approvals.models import Ruling
from countersign.approvals.rules.conditions.checking import Checked
from countersign.approvals.rules.conditions.condition import Condition
from countersign.approvals.rules.conditions.facts import Facts
from countersign.approvals.rules.conditions.parties import Parties
from countersign.approvals.rules.conditions.values import EvaluationError
from countersign.approvals.rules.counterparty import ruled_with
from countersign.approvals.rules.tool_rules import Rule


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule for one tool."""

    id: str
    rule: Rule
    condition: Condition | Checked | None
    """Checked: it is wrong for this tool, so its rule denies whatever comes to it."""
    ruling: Ruling
    second_person: Condition | Checked | None = None
    """As `condition`: under which whoever changes its arguments does not count alone."""
    parties: tuple[Parties, ...] = ()
    """With whom its calls are."""

    def ruled(self, facts: Callable[[], Facts]) -> Ruling:
        """What it says of one call. Raises EvaluationError."""
        if not self.parties:
            return self.ruling
        known = facts()
        return ruled_with(
            self.ruling, [name for each in self.parties for name in each.named(known)]
        )

    def holds(self, facts: Facts) -> bool:
        """What its condition says. Raises EvaluationError."""
        return self.condition is None or self._says(self.condition, facts)

    def wants_second_person(self, facts: Facts) -> bool:
        """Whether whoever changed the call to this does not count alone. Raises EvaluationError."""
        return self.second_person is not None and self._says(self.second_person, facts)

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
