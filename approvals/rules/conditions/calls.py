"""Calls: the type of a function's result, or why it cannot be called so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from countersign.approvals.forms.sentences import nearest
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.conditions.facts import Catalogue
from countersign.approvals.rules.conditions.functions import (
    BUSINESS_TIME,
    ELSEWHERE,
    FUNCTIONS,
    HAS,
    OF_NUMBERS,
    SAME,
    TOTAL,
    ZONED,
    Function,
    zone,
)
from countersign.approvals.rules.conditions.operators import OperandError, require_value
from countersign.approvals.rules.conditions.syntax import MACROS, Node
from countersign.approvals.rules.conditions.types import BOOL, DOUBLE, MONEY, Type
from countersign.approvals.rules.conditions.values import EvaluationError

_EITHER_WAY = frozenset({"size"})
"""Functions that CEL also knows in the other form."""


def called(node: Node, given: Sequence[Type], catalogue: Catalogue) -> Type:
    """The type of a call with operands of these types. Raises OperandError."""
    if node.name == BUSINESS_TIME:
        return _business_time(node, catalogue.calendars)
    if node.name in _OF_ARGUMENT:
        return _of_argument(node, catalogue)
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise OperandError(_unknown(node.name))
    _form(node, function)
    most = len(function.takes)
    if not most - function.optional <= len(given) <= most:
        raise OperandError(_count(node, function, len(given)))
    for part, one, kinds in zip(node.parts, given, function.takes, strict=False):
        _fits(node, part, one, kinds)
    _constant(node, function)
    if node.name in OF_NUMBERS:
        return _of_elements(node, given[0])
    if node.name == "money":
        return _money(node, given)
    return function.gives


def _unknown(name: str) -> str:
    if name in ELSEWHERE:
        return f"{name}() is not part of conditions; {ELSEWHERE[name]}"
    known = sorted({*FUNCTIONS, *MACROS, HAS, BUSINESS_TIME, *_OF_ARGUMENT})
    meant = nearest(name, known)
    hint = f"did you mean {meant}?" if meant else f"there are {', '.join(known)}"
    return f"{name}() is not known; {hint}"


def _form(node: Node, function: Function) -> None:
    as_method = node.value == "method"
    if as_method == function.is_method or node.name in _EITHER_WAY:
        return
    subject = node.parts[0].text if node.parts else "x"
    right = f"{subject}.{node.name}(…)" if function.is_method else f"{node.name}({subject})"
    raise OperandError(f"{node.text} is written {right}")


def _count(node: Node, function: Function, given: int) -> str:
    if node.name in ZONED and given == 1:
        return f'{node.text} needs a zone: {node.parts[0].text}.{node.name}("Europe/Berlin")'
    least, most = len(function.takes) - function.optional, len(function.takes)
    off = 1 if function.is_method and node.value == "method" else 0
    wanted = f"{least - off} or {most - off}" if least < most else f"{most - off}"
    values = "value" if wanted == "1" else "values"
    return f"{node.name}() takes {wanted} {values}, and {node.text} gives {given - off}"


def _fits(node: Node, part: Node, one: Type, kinds: frozenset[str]) -> None:
    if one.kind == "either" and not one.nullable:
        options = {"number" if o in ("int", "double") else o for o in one.options}
        if options <= kinds:
            return
    require_value(part, one)
    kind = "number" if one.is_number and "number" in kinds else one.kind
    if kind != "dyn" and kind not in kinds:
        words = " or a ".join(sorted({"string": "text"}.get(each, each) for each in kinds))
        raise OperandError(f"{part.text} is a {one}; {node.name}() needs a {words}")


def _constant(node: Node, function: Function) -> None:
    """Call it now, where all that it gets is written: a zone or a time may be none."""
    first = 1 if function.is_method else 0
    if node.name in ZONED and node.parts[1].op == "literal":
        try:
            zone(node.parts[1].value)
        except ValueError as exc:
            raise OperandError(f"{node.text}: {exc}") from exc
    if first == 0 and all(part.op == "literal" for part in node.parts):
        try:
            function.run(node.text, *(part.value for part in node.parts))
        except EvaluationError as exc:
            raise OperandError(str(exc)) from exc


def _of_elements(node: Node, values: Type) -> Type:
    element = values.element
    if element is None or element.kind == "dyn":
        return DOUBLE if element is None else element
    require_value(node.parts[0], element)
    if element.is_number or element.kind == "money":
        return element
    raise OperandError(f"{node.parts[0].text} is a {values}; {node.name}() needs numbers")


def _money(node: Node, given: Sequence[Type]) -> Type:
    first = given[0]
    if len(given) == 2:
        if first.kind == "object":
            raise OperandError(
                f"{node.text}: {node.parts[0].text} is an object; write "
                f"money({node.parts[0].text}) if it has an amount and a currency"
            )
        return replace(MONEY, values=given[1].values if len(given[1].values) == 1 else ())
    if first.kind not in ("object", "dyn"):
        raise OperandError(f'{node.text} needs a currency: money({node.parts[0].text}, "EUR")')
    if first.fields is not None:
        missing = sorted({"amount", "currency"} - set(first.fields))
        if missing:
            raise OperandError(f"{node.parts[0].text} has no {' and no '.join(missing)}")
        values = first.fields["currency"].values
        return replace(MONEY, values=values if len(values) == 1 else ())
    return MONEY


_OF_ARGUMENT = {SAME: ("history", BOOL), TOTAL: ("batch", DOUBLE)}
"""Methods that name an argument: what they belong to, and what they give."""
_SIMPLE = frozenset({"string", "int", "double", "bool", "dyn", "either", "null"})


def _of_argument(node: Node, catalogue: Catalogue) -> Type:
    fact, gives = _OF_ARGUMENT[node.name]
    form = f'{fact}.{node.name}("…")'
    named = [*node.parts[1:], None][0]
    is_one = node.parts and node.parts[0] == Node("name", name=fact) and len(node.parts) == 2
    if not is_one or named is None or named.op != "literal" or type(named.value) is not str:
        raise OperandError(f"{node.text}: write {form} with the name of an argument")
    fields = catalogue.arguments.fields
    if fields is None:
        return gives
    if named.value not in fields:
        meant = nearest(named.value, fields)
        hint = f"did you mean {meant}?" if meant else f"there is {', '.join(sorted(fields))}"
        raise OperandError(f"{node.text}: {catalogue.tool} has no argument {named.value}; {hint}")
    found = fields[named.value]
    if node.name == SAME and found.kind not in _SIMPLE:
        raise OperandError(f"{node.text}: {named.value} is a {found}, not a simple value")
    if node.name == TOTAL and not (found.is_number or found.is_open):
        raise OperandError(f"{node.text}: {named.value} is a {found}, not a number")
    return gives


def _business_time(node: Node, calendars: Calendars) -> Type:
    names = ", ".join(sorted(calendars)) or "none: add one under policy.calendars"
    if len(node.parts) != 1 or node.parts[0].op != "literal":
        raise OperandError(
            f'{node.text} needs the name of a calendar, as "office"; there is {names}'
        )
    if node.parts[0].value not in calendars:
        raise OperandError(f"{node.text}: there is no such calendar; there is {names}")
    return BOOL
