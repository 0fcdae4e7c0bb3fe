"""A condition of one rule on one tool: checked once, asked for every call."""

from __future__ import annotations

from collections.abc import Iterator

from countersign.approvals.rules.conditions.checking import Checked, check
from countersign.approvals.rules.conditions.evaluating import compiled, truth
from countersign.approvals.rules.conditions.facts import OF_BEFORE, Catalogue, Facts
from countersign.approvals.rules.conditions.functions import BUSINESS_TIME, SAME, TOTAL
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.values import EvaluationError, shown


class Condition:
    """Says true or false of the facts of a call. Make it by `of`."""

    def __init__(self, checked: Checked):
        self.checked, self.node = checked, checked.node
        self._run = compiled(checked.node, checked)

    @classmethod
    def of(cls, node: Node, catalogue: Catalogue) -> Condition | Checked:
        """The condition on one tool; or what is wrong with it."""
        checked = check(node, catalogue)
        return checked if checked.problems else cls(checked)

    def holds(self, facts: Facts) -> bool:
        """What it says. Raises EvaluationError, and nothing else."""
        try:
            said = self._run(facts)
            return said if said is True or said is False else truth(said, self.node.text)
        except RecursionError as exc:
            raise EvaluationError(
                self.node.text, "is of arguments that are nested too deep"
            ) from exc

    def why_not(self, facts: Facts) -> str:
        """The part that says no, with the values that decide it; for a condition that is false."""
        parts = self.node.parts if self.node.op == "and" else (self.node,)
        decisive = next(part for part in parts if self._is_false(part, facts))
        values = list(self._values(decisive, facts))
        where = f": {', '.join(values)}" if values else ""
        return f"{decisive.text} is false{where}"

    def why(self, facts: Facts) -> str:
        """The condition with the values by which it is true."""
        values = list(self._values(self.node, facts))
        return f"{self.node.text} ({', '.join(values)})" if values else self.node.text

    def _is_false(self, part: Node, facts: Facts) -> bool:
        try:
            return compiled(part, self.checked)(facts) is False
        except EvaluationError:
            return False

    def _values(self, node: Node, facts: Facts) -> Iterator[str]:
        """Each fact that a step speaks of, with its value, once."""
        for fact in dict.fromkeys(_facts(node)):
            try:
                value = compiled(fact, self.checked)(facts)
                at = facts["now"] if fact.name == BUSINESS_TIME else None
            except EvaluationError as exc:
                yield str(exc)
            else:
                if at is not None:
                    yield facts.calendars[str(fact.parts[0].value)].says(at)
                    continue
                yield f"{fact.text} is {shown(value)}"


_OF_A_CALL = frozenset({"args", "tool", "agent", "workflow", "requester", "now", *OF_BEFORE})


def _facts(node: Node) -> Iterator[Node]:
    """The longest paths that begin with the name of a fact, and the calls whose value is worth
    saying: the hour, the size."""
    if node.op == "call" and node.name == "has":
        return
    if _is_path(node) or (node.op == "call" and node.parts and _says_more(node)):
        yield node
        return
    if node.op == "macro":
        yield from _facts(node.parts[0])
        return
    for part in node.parts:
        yield from _facts(part)


def _is_path(node: Node) -> bool:
    while node.op in ("select", "index") and (node.op == "select" or node.parts[1].op == "literal"):
        node = node.parts[0]
    return node.op == "name" and node.name in _OF_A_CALL


def _says_more(node: Node) -> bool:
    if node.name in (SAME, TOTAL, BUSINESS_TIME):
        return True
    subject, others = node.parts[0], node.parts[1:]
    telling = (
        node.name == "size" or node.name.startswith("get") or node.name in ("sum", "min", "max")
    )
    return telling and all(other.op == "literal" for other in others) and not _bound(subject)


def _bound(node: Node) -> bool:
    """Whether it speaks of an element of a macro around it."""
    inner = {each.name for each in node.walk() if each.op == "macro"}
    names = {each.name for each in node.walk() if each.op == "name"}
    return bool(names - inner - _OF_A_CALL)
