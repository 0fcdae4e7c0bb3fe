"""Operators: what each gives of operands of these types, or why it cannot be."""

from __future__ import annotations

from dataclasses import replace

from countersign.approvals.forms.sentences import nearest
from countersign.approvals.rules.conditions.syntax import Node
from countersign.approvals.rules.conditions.types import (
    BOOL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    MONEY,
    STRING,
    TIMESTAMP,
    Type,
)
from countersign.approvals.rules.conditions.values import shown

EQUALITY, ORDER = frozenset({"eq", "ne"}), frozenset({"lt", "le", "gt", "ge"})
SIGNS = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "in": "in",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "mod": "%",
}
_ORDERED = frozenset({"int", "double", "string", "timestamp", "duration", "money"})


class OperandError(ValueError):
    """Why an operator cannot have these operands."""


def binary(node: Node, left: Type, right: Type) -> Type:
    """The type of an operator of two operands. Raises OperandError."""
    if node.op in EQUALITY:
        _comparable(node, left, right)
        return BOOL
    if node.op == "in":
        _among(node, left, right)
        return BOOL
    for part, one in zip(node.parts, (left, right), strict=True):
        require_value(part, one)
    if node.op in ORDER:
        _ordered(node, left, right)
        return BOOL
    return _reckoned(node, left, right)


def require_value(part: Node, one: Type) -> None:
    """Raises OperandError for what may be null, or of several kinds."""
    if one.kind == "null":
        raise OperandError(f"{part.text} is null, of which nothing can be said but == and !=")
    if one.nullable:
        raise OperandError(
            f"{part.text} may be null; write `{part.text} != null && …` before it, or ask for null "
            "in a rule before this one"
        )
    if one.kind == "either":
        hint = f"; write double({part.text})" if set(one.options) <= _NUMERIC else ""
        raise OperandError(f"{part.text} may be a {one}{hint}")


_NUMERIC = frozenset({"int", "double", "string"})


def negated(node: Node, one: Type) -> Type:
    """The type of `-x`. Raises OperandError."""
    require_value(node.parts[0], one)
    if one.is_number or one.kind in ("dyn", "money", "duration"):
        return one
    raise OperandError(f"{node.parts[0].text} is a {one}, of which there is no negative")


def _comparable(node: Node, left: Type, right: Type) -> None:
    a, b = node.parts
    for one, other, part in ((left, right, a), (right, left, b)):
        if one.kind == "null":
            if not (other.nullable or other.is_open or other.kind == "null"):
                whole = b if part is a else a
                raise OperandError(f"{whole.text} is never null; leave the comparison out")
            return
    if left.kind == "dyn" or right.kind == "dyn":
        return
    if left.kind == "either" or right.kind == "either":
        options = [set(t.options or (t.kind,)) for t in (left, right)]
        if not _merged(options[0]) & _merged(options[1]):
            raise OperandError(_never(a, left, b, right))
        return
    if not _alike(left, right):
        raise OperandError(_never(a, left, b, right))
    _same_values(a, left, b, right)


def _merged(kinds: set[str]) -> set[str]:
    return {"double" if kind == "int" else kind for kind in kinds}


def _never(a: Node, left: Type, b: Node, right: Type) -> str:
    if "money" in (left.kind, right.kind):
        return (
            f"{a.text} is a {left} and {b.text} a {right}: write both as money, as in "
            'money(args.amount, args.currency) and money(50, "EUR")'
        )
    return f"{a.text} is a {left} and {b.text} a {right}; they can never be compared"


def _alike(left: Type, right: Type) -> bool:
    if left.is_number and right.is_number:
        return True
    if left.kind != right.kind:
        return False
    if left.kind == "list" and left.element and right.element:
        one, other = left.element, right.element
        return one.is_open or other.is_open or _alike(one, other)
    return True


def _same_values(a: Node, left: Type, b: Node, right: Type) -> None:
    """Refuse to compare what only has values that the other has not."""
    if not (left.values and right.values) or set(left.values) & set(right.values):
        return
    if left.kind == "money":
        raise OperandError(
            f"{a.text} is in {left.values[0]} and {b.text} in {right.values[0]}: sums of different "
            "currencies are not compared; write a rule for each currency"
        )
    known, literal = (right, left) if a.op == "literal" else (left, right)
    whole = b if a.op == "literal" else a
    meant = nearest(literal.values[0], known.values)
    hint = f"did you mean {shown(meant)}?" if meant else f"it is one of {_listed(known.values)}"
    raise OperandError(f"{whole.text} is never {shown(literal.values[0])}; {hint}")


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(map(shown, values))


def _ordered(node: Node, left: Type, right: Type) -> None:
    a, b = node.parts
    for part, one in ((a, left), (b, right)):
        if one.kind != "dyn" and one.kind not in _ORDERED:
            raise OperandError(f"{part.text} is a {one}, which has no order")
    if left.kind != "dyn" and right.kind != "dyn":
        if not _alike(left, right):
            raise OperandError(_never(a, left, b, right))
        if left.kind == "money":
            _same_values(a, left, b, right)


def _among(node: Node, left: Type, right: Type) -> None:
    a, b = node.parts
    require_value(b, right)
    if right.kind == "dyn":
        return
    if right.kind == "object":
        require_value(a, left)
        if left.kind not in ("string", "dyn"):
            raise OperandError(f"{a.text} is a {left}; the keys of {b.text} are texts")
        return
    if right.kind != "list" or right.element is None:
        raise OperandError(f"{b.text} is a {right}; `in` needs a list, as in {a.text} in [1, 2]")
    if b.op != "list":
        _comparable(Node("eq", (a, b)), left, replace(right.element, nullable=True))
        return
    # each literal by itself, so that the one that is wrong is named


_SUMS: dict[tuple[str, str, str], Type] = {
    ("add", "string", "string"): STRING,
    ("add", "duration", "duration"): DURATION,
    ("add", "timestamp", "duration"): TIMESTAMP,
    ("add", "duration", "timestamp"): TIMESTAMP,
    ("add", "money", "money"): MONEY,
    ("sub", "timestamp", "timestamp"): DURATION,
    ("sub", "timestamp", "duration"): TIMESTAMP,
    ("sub", "duration", "duration"): DURATION,
    ("sub", "money", "money"): MONEY,
    ("mul", "money", "number"): MONEY,
    ("mul", "number", "money"): MONEY,
    ("div", "money", "number"): MONEY,
}


def _reckoned(node: Node, left: Type, right: Type) -> Type:
    a, b = node.parts
    op, sign = node.op, SIGNS[node.op]
    if "dyn" in (left.kind, right.kind):
        if op in ("div", "mod"):
            open_one = a if left.kind == "dyn" else b
            raise OperandError(
                f"{open_one.text} is of unknown type, and whole numbers are divided otherwise than "
                f"others: write int({open_one.text}) or double({open_one.text})"
            )
        return DYN
    if op == "mod" and not (left.kind == right.kind == "int"):
        raise OperandError(f"% needs whole numbers; {a.text} is a {left}, {b.text} a {right}")
    if left.is_number and right.is_number:
        return INT if left.kind == right.kind == "int" else DOUBLE
    one, other = ("number" if each.is_number else each.kind for each in (left, right))
    found = _SUMS.get((op, one, other))
    if found is None:
        raise OperandError(f"{a.text} is a {left} and {b.text} a {right}; {sign} is not for them")
    if found.kind == "money" and left.kind == right.kind:
        _same_values(a, left, b, right)
    values = left.values if left.kind == "money" else right.values if found is MONEY else ()
    return replace(found, values=values if found.kind == "money" else ())
