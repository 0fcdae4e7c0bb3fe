"""Satisfiability: whether any call could make some conditions true and others false. Pure.

The negations are pushed down to the comparisons, then the alternatives are tried one after the
other (an analytic tableau: Smullyan, First-Order Logic, 1968, chapter 2), and those that cannot
hold together are closed. Of comparisons of one value with literals it is known how they exclude
each other, also that nothing lies between two whole numbers where the value is one; every other
condition is true or false by itself.

An error denies, and nothing after it is asked, so a comparison that fails needs no third value: a
condition that is true or false in spite of it (`&&` and `||` absorb errors) stays so whatever the
comparison would have been.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import ceil, floor
from typing import Any, NamedTuple, TypeAlias

from countersign.approvals.rules.conditions.syntax import Node

MOST_STEPS = 100_000
"""Of all questions about one policy: then nothing more is said."""
DEEPEST = 100
"""Alternatives within alternatives."""


class Proofs:
    """Answers that together take a bounded time, whatever the policy."""

    def __init__(self) -> None:
        self._steps = 0

    def excluded(
        self,
        true: Sequence[Node],
        false: Sequence[Node] = (),
        integers: frozenset[Node] = frozenset(),
    ) -> bool:
        """Whether it is proved that no call makes all of `true` true and all of `false` false, if
        `integers` are whole numbers in all of them. False says nothing: what cannot be seen, or
        takes too long, may be possible."""
        wanted = [_form(node, True) for node in true] + [_form(node, False) for node in false]
        return not self._may_be(_Known({}, integers), wanted, DEEPEST)

    def _may_be(self, known: _Known, wanted: Sequence[_Form], deep: int) -> bool:
        """Whether all of them may be, beside what is known."""
        choices: list[_Any] = []
        todo = list(wanted)
        while todo:
            self._steps += 1
            form = todo.pop()
            if isinstance(form, _All):
                todo.extend(form.forms)
            elif isinstance(form, _Any):
                choices.append(form)
            else:
                more = known.with_(form)
                if more is None:
                    return False
                known = more
        return self._one_of_each(known, choices, deep)

    def _one_of_each(self, known: _Known, choices: Sequence[_Any], deep: int) -> bool:
        """Whether something may be of each of these alternatives; the shortest are tried first."""
        left: list[tuple[_Form, ...]] = []
        for choice in choices:
            self._steps += len(choice.forms)
            open_ = tuple(f for f in choice.forms if not isinstance(f, _Atom) or known.admits(f))
            if not open_:
                return False
            left.append(open_)
        if not left or not deep or self._steps > MOST_STEPS:
            return True
        first, *others = sorted(left, key=len)
        rest = [_Any(each) for each in others]
        return any(self._may_be(known, (form, *rest), deep - 1) for form in first)


def contradiction(node: Node, integers: frozenset[Node] = frozenset()) -> str | None:
    """Why no call at all can make a condition true, as the two parts of it that exclude each other;
    None if that is not proved. `integers` are steps that are whole numbers in every call."""
    proofs = Proofs()
    if node.op == "literal" or not proofs.excluded([node], (), integers):
        return None
    parts = node.parts if node.op == "and" else (node,)
    for one, other in combinations(parts, 2):
        if proofs.excluded([one, other], (), integers):
            return f"{one.text} and {other.text} exclude each other"
    return f"the parts of {node.text} exclude each other"


def subjects(node: Node) -> frozenset[Node]:
    """What a condition compares, or asks as it stands."""
    return frozenset(_subjects(_form(node, True)))


class _Atom(NamedTuple):
    """A comparison of a subject with a literal, or (without `op`) a condition as it stands."""

    subject: Node
    op: str
    kind: str
    value: Any
    holds: bool


@dataclass(frozen=True)
class _All:
    forms: tuple[_Form, ...]


@dataclass(frozen=True)
class _Any:
    forms: tuple[_Form, ...]


_Form: TypeAlias = "_Atom | _All | _Any"

_FLIPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
_NEGATED = {"ne": "eq", "gt": "le", "ge": "lt"}


def _form(node: Node, holds: bool) -> _Form:
    """A condition, or its opposite, with negations only at its atoms."""
    if node.op == "not":
        return _form(node.parts[0], not holds)
    if node.op in ("and", "or"):
        parts = tuple(_form(part, holds) for part in node.parts)
        return _All(parts) if (node.op == "and") is holds else _Any(parts)
    if node.op == "ternary":
        asked, then, other = node.parts
        yes = _All((_form(asked, True), _form(then, holds)))
        return _Any((yes, _All((_form(asked, False), _form(other, holds)))))
    if node.op == "literal" and isinstance(node.value, bool):
        return _All(()) if node.value is holds else _Any(())
    if node.op == "in" and node.parts[1].op == "list":
        each = tuple(_compared("eq", node.parts[0], one, holds) for one in node.parts[1].parts)
        return _Any(each) if holds else _All(each)
    if node.op in _FLIPPED:
        left, right = node.parts
        return _compared(node.op, left, right, holds)
    return _Atom(node, "", "", None, holds)


def _compared(op: str, left: Node, right: Node, holds: bool) -> _Atom:
    if _constant(left) is not None:
        op, left, right = _FLIPPED[op], right, left
    value = _constant(right)
    if value is None and op in ("gt", "le"):  # a > b is b < a, and a <= b its opposite
        op, left, right = _FLIPPED[op], right, left
    if op in _NEGATED:
        op, holds = _NEGATED[op], not holds
    if value is None:
        both = (left, right) if op != "eq" else tuple(sorted((left, right), key=repr))
        return _Atom(Node(op, both), "", "", None, holds)
    return _Atom(left, op, *value, holds)


def _constant(node: Node) -> tuple[str, Any] | None:
    """The kind and value of what is written out; kinds have no order among each other."""
    if node.op == "neg" and (inner := _constant(node.parts[0])) and inner[0] == _NUMBER:
        return _NUMBER, -inner[1]
    if node.op == "literal":
        return _KINDS.get(node.name, _NUMBER), node.value
    if node.op == "call" and node.name == "money" and node.value is None and len(node.parts) == 2:
        amount, currency = map(_constant, node.parts)
        if amount and currency and (amount[0], currency[0]) == (_NUMBER, "text"):
            return f"money in {currency[1]}", amount[1]
    return None


_NUMBER = "number"
_KINDS = {"str": "text", "bool": "truth", "NoneType": "null"}


def _subjects(form: _Form) -> Iterator[Node]:
    if isinstance(form, _Atom):
        yield form.subject
        return
    for each in form.forms:
        yield from _subjects(each)


@dataclass(frozen=True)
class _Range:
    """What is known of one subject."""

    truth: bool | None = None
    equal: tuple[str, Any] | None = None
    others: frozenset[tuple[str, Any]] = frozenset()
    """What it is not."""
    low: dict[str, tuple[Any, bool]] = field(default_factory=dict)
    """By kind, its lower bound, and whether it is more than that."""
    high: dict[str, tuple[Any, bool]] = field(default_factory=dict)
    whole: bool = False
    """Whether it is a whole number, if it is a number."""

    def with_(self, atom: _Atom) -> _Range | None:
        """With one thing more; None if that is impossible."""
        if not atom.op:
            clash = self.truth is not None and self.truth is not atom.holds
            return None if clash else _replaced(self, truth=atom.holds)
        at = (atom.kind, atom.value)
        if atom.op == "eq":
            if not atom.holds:
                found = _replaced(self, others=self.others | {at})
            elif self.equal is not None and self.equal != at:
                return None
            else:
                found = _replaced(self, equal=at)
        elif atom.holds:  # less than, or at most
            strict = self._next(atom, atom.op == "lt", -1)
            found = _replaced(self, high=_tighter(self.high, atom.kind, strict, -1))
        else:  # at least, or more than
            strict = self._next(atom, atom.op == "le", 1)
            found = _replaced(self, low=_tighter(self.low, atom.kind, strict, 1))
        return found if found._is_possible(atom.kind) else None

    def _next(self, atom: _Atom, strict: bool, sign: int) -> tuple[Any, bool]:
        """A bound: of a whole number, the first that there is within it."""
        value = atom.value
        if not self.whole or atom.kind != _NUMBER:
            return value, strict
        within = ceil(value) if sign > 0 else floor(value)
        return (within + sign if strict and within == value else within), False

    def _is_possible(self, kind: str) -> bool:
        low, high = self.low.get(kind), self.high.get(kind)
        if self.whole and kind == _NUMBER:
            if self.equal is not None and self.equal[0] == kind and self.equal[1] % 1:
                return False
            if low and high and 0 <= high[0] - low[0] < len(self.others):
                between = range(low[0], high[0] + 1)
                if all((kind, each) in self.others for each in between):
                    return False
        if low and high:
            if low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1])):
                return False
            if low[0] == high[0] and (kind, low[0]) in self.others:
                return False
        if self.equal is None:
            return True
        if self.equal in self.others:
            return False
        value = self.equal[1]
        return self.equal[0] != kind or not (
            (low and (value < low[0] or (value == low[0] and low[1])))
            or (high and (value > high[0] or (value == high[0] and high[1])))
        )


def _replaced(known: _Range, **changed: Any) -> _Range:
    return _Range(**{**vars(known), **changed})


def _tighter(
    bounds: dict[str, tuple[Any, bool]], kind: str, bound: tuple[Any, bool], sign: int
) -> dict[str, tuple[Any, bool]]:
    before = bounds.get(kind)
    if before is not None:
        is_farther = bound[0] < before[0] if sign > 0 else bound[0] > before[0]
        if is_farther or (bound[0] == before[0] and before[1]):
            return bounds
    return {**bounds, kind: bound}


class _Known:
    """What a branch of the search takes for true."""

    def __init__(self, of: dict[Node, _Range], integers: frozenset[Node]) -> None:
        self._of, self._integers = of, integers

    def with_(self, atom: _Atom) -> _Known | None:
        found = self._with(atom)
        if found is None:
            return None
        return _Known({**self._of, atom.subject: found}, self._integers)

    def admits(self, atom: _Atom) -> bool:
        return self._with(atom) is not None

    def _with(self, atom: _Atom) -> _Range | None:
        before = self._of.get(atom.subject)
        if before is None:
            before = _WHOLE if atom.subject in self._integers else _NOTHING
        return before.with_(atom)


_NOTHING, _WHOLE = _Range(), _Range(whole=True)
