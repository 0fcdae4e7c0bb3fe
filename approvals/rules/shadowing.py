"""Shadowing: rules that no call reaches, because earlier ones rule on all of theirs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from countersign.approvals.rules.conditions.satisfiability import Proofs, subjects
from countersign.approvals.rules.conditions.syntax import Node, literal
from countersign.approvals.rules.ordered_rules import OrderedRule, is_pattern
from countersign.approvals.rules.tool_rules import Rule

TRUE = literal(True)


MOST_TOGETHER = 40
"""Earlier rules that are looked at together: more of them nobody can keep apart either."""


def shadowed(
    rules: Sequence[OrderedRule],
    tools: Mapping[str, Rule],
    integers: Callable[[str], frozenset[Node]] = lambda _: frozenset(),
) -> Iterator[tuple[str, str]]:
    """Each rule of which it can be proved that no call reaches it, as `rules.ID` or `tools.TOOL`,
    and why; `integers` are the steps of conditions that are whole numbers for a tool or pattern."""
    earlier, proofs = _Earlier(), _Proofs(integers)
    for rule in rules:
        read = _Read.of(rule)
        found = [_before(pattern, read, earlier.of(pattern), proofs) for pattern in rule.tool]
        if all(found):
            names = dict.fromkeys(each.id for some in found for each in some)
            yield f"rules.{rule.id}", _said(list(names))
        earlier.add(read)
    for tool in tools:
        first = _before(tool, _Read(), earlier.of(tool), proofs)
        if first:
            yield f"tools.{tool}", _said([each.id for each in first])


def _said(names: Sequence[str]) -> str:
    which = " and ".join(names)
    verbs = ("come", "rule") if len(names) > 1 else ("comes", "rules")
    return (
        f"is never reached: {which} {verbs[0]} first and already {verbs[1]} on every call that it "
        "is for; move it up, or remove it"
    )


class _Bound(NamedTuple):
    """`subject op value`, or a subject in a list of values."""

    subject: Node
    op: str
    value: Any


class _Part(NamedTuple):
    """Something that has to be true, and how it bounds what."""

    node: Node
    bound: _Bound | None


@dataclass(frozen=True)
class _Read:
    """A rule, and what all has to be true for it to match."""

    id: str = ""
    tool: tuple[str, ...] = ()
    condition: Node = TRUE
    parts: tuple[_Part, ...] = ()
    subjects: frozenset[Node] = frozenset()

    @classmethod
    def of(cls, rule: OrderedRule) -> _Read:
        node = rule.condition or TRUE
        parts = tuple(_Part(part, _bound(part)) for part in _parts(rule.condition))
        return cls(rule.id, tuple(rule.tool), node, parts, subjects(node))


class _Earlier:
    """The rules that were read before, by the names that they are for: there may be thousands."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[_Read]] = {}
        self._patterns: list[_Read] = []

    def add(self, rule: _Read) -> None:
        """Another one, after all others."""
        for name in rule.tool:
            if not is_pattern(name):
                self._by_name.setdefault(name, []).append(rule)
        if any(map(is_pattern, rule.tool)):
            self._patterns.append(rule)

    def of(self, name: str) -> Sequence[_Read]:
        """Those that may be for all that a name or pattern stands for."""
        return [*self._by_name.get(name, ()), *self._patterns]


class _Proofs:
    """Of the calls of one tool or pattern each, all of them in a bounded time."""

    def __init__(self, integers: Callable[[str], frozenset[Node]]):
        self._proofs, self._integers = Proofs(), cache(integers)

    def excluded(self, pattern: str, true: Node, false: Sequence[Node]) -> bool:
        return self._proofs.excluded([true], false, self._integers(pattern))


def _before(
    pattern: str, rule: _Read, earlier: Sequence[_Read], proofs: _Proofs
) -> Sequence[_Read]:
    """The fewest of the earlier rules that match whatever this pattern and this rule match; empty
    if there are none."""
    covering = [e for e in earlier if any(_covers(each, pattern) for each in e.tool)]
    for other in covering:  # part by part: quick enough for thousands of rules
        if all(any(_implies(part, needed) for part in rule.parts) for needed in other.parts):
            return [other]
    # Without a condition of its own it is what remains when one of the others is changed.
    related = _related(rule, covering)
    return _together(pattern, rule, related, proofs) if len(related) <= MOST_TOGETHER else ()


def _related(rule: _Read, earlier: Sequence[_Read]) -> Sequence[_Read]:
    """Those that speak of the same as the rule, or of the same as one that does."""
    subjects, found = rule.subjects, frozenset[str]()
    while True:
        more = [each for each in earlier if not subjects.isdisjoint(each.subjects)]
        if len(more) == len(found) or len(more) > MOST_TOGETHER:
            return more
        found = frozenset(each.id for each in more)
        subjects = subjects.union(*(each.subjects for each in more))


def _together(
    pattern: str, rule: _Read, earlier: Sequence[_Read], proofs: _Proofs
) -> Sequence[_Read]:
    """Those of these without which the rule could be reached; empty if it can be."""

    def cover(some: Sequence[_Read]) -> bool:
        return proofs.excluded(pattern, rule.condition, [each.condition for each in some])

    # What is never true by itself is said elsewhere.
    if not earlier or not cover(earlier) or cover(()):
        return ()
    needed = list(earlier)
    for each in earlier:
        fewer = [other for other in needed if other is not each]
        if cover(fewer):
            needed = fewer
    return needed


def _covers(pattern: str, other: str) -> bool:
    """Whether it stands for every name that the other stands for."""
    if pattern == other or not is_pattern(other):
        return fnmatchcase(other, pattern) or pattern == other
    stem = pattern.removesuffix("*")  # `crm_*` covers `crm_read_*`
    return pattern.endswith("*") and not is_pattern(stem) and other.startswith(stem)


def _parts(node: Node | None) -> tuple[Node, ...]:
    """What all has to be true for a condition to be."""
    if node is None or node == TRUE:
        return ()
    return node.parts if node.op == "and" else (node,)


_FLIPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def _bound(node: Node) -> _Bound | None:
    if len(node.parts) != 2:
        return None
    left, right = node.parts
    if node.op == "in" and right.op == "list" and all(_is_plain(each) for each in right.parts):
        return _Bound(left, "in", tuple(each.value for each in right.parts))
    if node.op in _FLIPPED and _is_plain(right):
        return _Bound(left, node.op, right.value)
    if node.op in _FLIPPED and _is_plain(left):
        return _Bound(right, _FLIPPED[node.op], left.value)
    return None


def _is_plain(node: Node) -> bool:
    return node.op == "literal" and node.value is not None and not isinstance(node.value, bool)


def _implies(part: _Part, other: _Part) -> bool:
    """Whether the other one is true wherever this one is; False says nothing."""
    if part.node == other.node:
        return True
    one, two = part.bound, other.bound
    if one is None or two is None or one.subject != two.subject:
        return False
    try:
        return _within(one, two)
    except TypeError:  # a text and a number
        return False


def _within(one: _Bound, two: _Bound) -> bool:
    if one.op in ("eq", "in"):
        values = one.value if one.op == "in" else (one.value,)
        return all(_satisfies(value, two) for value in values)
    if one.op in ("lt", "le") and two.op in ("lt", "le", "ne"):
        strict = one.op == "lt" or two.op == "le"
        return bool(one.value <= two.value if strict else one.value < two.value)
    if one.op in ("gt", "ge") and two.op in ("gt", "ge", "ne"):
        strict = one.op == "gt" or two.op == "ge"
        return bool(one.value >= two.value if strict else one.value > two.value)
    return False


def _satisfies(value: Any, bound: _Bound) -> bool:
    if bound.op == "in":
        return value in bound.value
    return _HOLDS[bound.op](value, bound.value)
