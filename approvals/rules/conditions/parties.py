"""Parties: an expression that names whom a call is with, in the language of conditions."""

from __future__ import annotations

from countersign.approvals.rules.conditions.checking import Checked, check_value
from countersign.approvals.rules.conditions.evaluating import compiled
from countersign.approvals.rules.conditions.facts import Catalogue, Facts
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.types import Type
from countersign.approvals.rules.conditions.values import EvaluationError, kind_of

_NAMES = frozenset({"string", "int"})


class Parties:
    """An expression over the arguments that gives identities. Make it by `of`."""

    def __init__(self, checked: Checked):
        self.checked = checked
        self._run = None if checked.problems else compiled(checked.node, checked)

    @classmethod
    def of(cls, node: Node, catalogue: Catalogue) -> Parties:
        """The expression on one tool; its `checked.problems` say what is wrong with it."""

        def wrong(found: Type) -> str | None:
            one = found.element if found.kind == "list" and found.element else found
            if one.is_open or one.kind in _NAMES or one.kind == "null":
                return None
            return f"{node.text} is a {found}; a counterparty is a text, or a list of them"

        return cls(check_value(node, catalogue, wrong))

    def named(self, facts: Facts) -> list[str]:
        """Whom it names; nobody where it is null or empty. Raises EvaluationError."""
        text = self.checked.node.text
        if self._run is None:
            raise EvaluationError(text, f"is wrong: {self.checked.problems[0]}")
        try:
            found = self._run(facts)
        except RecursionError as exc:
            raise EvaluationError(text, "is of arguments that are nested too deep") from exc
        each = found if isinstance(found, list) else [found]
        for one in each:
            if one is not None and type(one) not in (str, int):
                raise EvaluationError(text, f"is a {kind_of(one)}, which is nobody's identity")
        return [str(one) for one in each if one not in (None, "")]
