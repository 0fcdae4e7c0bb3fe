"""Operating: comparisons and reckoning of values, whatever they turn out to be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from countersign.approvals.rules.conditions.facts import Facts
from countersign.approvals.rules.conditions.functions import plus
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.values import (
    NUMBERS,
    EvaluationError,
    Money,
    equal,
    kind_of,
    reckon,
    reckon_whole,
    same_currency,
)

Run: TypeAlias = Callable[[Facts], Any]


def operator(node: Node, left: Run, right: Run, *, whole: bool) -> Run:
    """An operator of two operands; `whole` says that it divides whole numbers."""
    op, text = node.op, node.text
    if op in ("eq", "ne"):
        if _is_field(node.parts[0]) and _is_text(node.parts[1]):
            return _field_is(node, wanted=op == "eq", left=left)
        wanted = op == "eq"
        return lambda facts: equal(left(facts), right(facts), text) is wanted
    if op == "in":
        return lambda facts: _among(left(facts), right(facts), node)
    if op in _ORDERS:
        return _order(node, left, right)
    if whole:
        return lambda facts: reckon_whole(op, left(facts), right(facts), text)
    return lambda facts: _reckoned(op, left(facts), right(facts), text)


def _among(value: Any, values: Any, node: Node) -> bool:
    if type(values) is dict:
        return type(value) is str and value in values
    if type(values) is not list:
        raise EvaluationError(node.parts[1].text, f"is a {kind_of(values)}, not a list")
    return any(equal(value, each, node.text) for each in values)


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {"lt": lt, "le": le, "gt": gt, "ge": ge}


def _order(node: Node, left: Run, right: Run) -> Run:
    compare = _ORDERS[node.op]
    if node.parts[1].op == "literal" and type(node.parts[1].value) in NUMBERS:
        return _order_to(node, left, node.parts[1].value)

    def run(facts: Facts) -> bool:
        a, b = left(facts), right(facts)
        kind = type(a)
        if kind in NUMBERS and type(b) in NUMBERS:
            return compare(a, b)
        if kind is type(b):
            if kind is Money:
                same_currency(a, b, node.text)
                return compare(a.amount, b.amount)
            if kind is str or kind is datetime or kind is timedelta:
                return compare(a, b)
        raise EvaluationError(*_unordered(node, a, b))

    return run


def _order_to(node: Node, left: Run, limit: Any) -> Run:
    """A comparison with a number that is written there, as most are."""
    compare = _ORDERS[node.op]
    if _is_field(node.parts[0]):
        return _order_of_field(node, left, limit)

    def run(facts: Facts) -> bool:
        value = left(facts)
        if type(value) in NUMBERS:
            return compare(value, limit)
        raise EvaluationError(*_unordered(node, value, limit))

    return run


def _is_field(node: Node) -> bool:
    """Whether it is a field of a fact, as in `args.amount`: most conditions are about those, and it
    is read where it is compared, without a step for it."""
    return node.op == "select" and node.parts[0].op == "name"


def _is_text(node: Node) -> bool:
    return node.op == "literal" and type(node.value) is str


def _order_of_field(node: Node, left: Run, limit: Any) -> Run:
    compare, field = _ORDERS[node.op], node.parts[0]
    fact, name = field.parts[0].name, field.name

    def run(facts: Facts) -> bool:
        held = facts[fact]
        if type(held) is dict:
            value = held.get(name)
            if type(value) in NUMBERS:
                return compare(value, limit)
        raise EvaluationError(*_unordered(node, left(facts), limit))  # or what `left` says

    return run


def _field_is(node: Node, *, wanted: bool, left: Run) -> Run:
    """Whether a field is a text that is written there."""
    (field, literal), fact = node.parts, node.parts[0].parts[0].name
    name, text = field.name, literal.value

    def run(facts: Facts) -> bool:
        held = facts[fact]
        if type(held) is dict and (value := held.get(name)) is not None:
            return (type(value) is str and value == text) is wanted
        return equal(left(facts), text, node.text) is wanted

    return run


def _unordered(node: Node, a: Any, b: Any) -> tuple[str, str]:
    """Which side of a comparison is not what the other one is, and what it is."""
    one, other = node.parts
    if one.op == "literal" or b is None:
        one, a, b = other, b, a
    if a is None:
        return one.text, "is null"
    return one.text, f"is a {kind_of(a)}, which cannot be compared with a {kind_of(b)}"


def _reckoned(op: str, a: Any, b: Any, where: str) -> Any:
    one, other = type(a) in NUMBERS, type(b) in NUMBERS
    if one and other:
        return reckon(op, a, b, where)
    try:
        if op == "add" and type(a) is type(b) is str:
            return a + b
        if op in ("add", "sub") and type(a) is type(b) is Money:
            return plus(a, b if op == "add" else Money(-b.amount, b.currency), where)
        if op in ("mul", "div") and type(a) is Money and other:
            return Money(reckon(op, a.amount, b, where), a.currency)
        if op == "mul" and one and type(b) is Money:
            return Money(reckon(op, a, b.amount, where), b.currency)
        if (op, type(a), type(b)) in _OF_TIME:
            return a + b if op == "add" else a - b
    except OverflowError as exc:
        raise EvaluationError(where, "is beyond all calendars") from exc
    sign = {"add": "added to", "sub": "taken from"}.get(op, "reckoned with")
    raise EvaluationError(where, f"has a {kind_of(a)} and a {kind_of(b)}, which cannot be {sign}")


_OF_TIME = frozenset(
    {
        ("add", datetime, timedelta),
        ("add", timedelta, datetime),
        ("add", timedelta, timedelta),
        ("sub", datetime, datetime),
        ("sub", datetime, timedelta),
        ("sub", timedelta, timedelta),
    }
)
