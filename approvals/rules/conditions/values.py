"""Values of conditions: JSON without rounding, money with its currency, and their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any, TypeAlias

Number: TypeAlias = int | Decimal | Fraction
NUMBERS: frozenset[type] = frozenset({int, Decimal, Fraction})
"""bool is none of them: true is not 1."""

_EXACT = Context(prec=2_000, Emax=99_999, Emin=-99_999, traps=[Inexact, InvalidOperation, Overflow])
"""What would have to be rounded is an error."""
_CURRENCY = re.compile(r"[A-Z]{3}")
_DECIMAL = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?", re.ASCII)
SHOWN = 80
"""Characters of a value that are shown."""


class EvaluationError(Exception):
    """A condition that says neither yes nor no, and of which field or step."""

    def __init__(self, where: str, says: str):
        super().__init__(f"{where} {says}")
        self.where, self.says = where, says


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, and of what."""

    amount: Number
    currency: str

    def __str__(self) -> str:
        return f"{self.currency} {shown(self.amount)}"


def lifted(value: Any, where: str) -> Any:
    """A JSON value with its numbers as they are written: 0.1 is a tenth.

    Raises EvaluationError for what is not JSON.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None or kind is Decimal:
        return value
    if kind is float:
        number = Decimal(repr(value))
        if not number.is_finite():
            raise EvaluationError(where, f"is {value}, which is no number")
        return number
    if isinstance(value, list | tuple):
        return [lifted(each, f"{where}[{n}]") for n, each in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: lifted(each, f"{where}.{key}") for key, each in value.items()}
    raise EvaluationError(where, f"is a {kind.__name__}, which is not JSON")


def kind_of(value: Any) -> str:
    """What a value is called in messages."""
    return _KINDS.get(type(value), "value of another kind")


_KINDS = {
    bool: "truth value",
    int: "number",
    Decimal: "number",
    Fraction: "number",
    str: "text",
    list: "list",
    dict: "object",
    datetime: "time",
    timedelta: "duration",
    Money: "sum of money",
    type(None): "null",
}


def shown(value: Any) -> str:
    """A value as it is written in a condition, cut where it is long."""
    if type(value) is bool:
        said = "true" if value else "false"
    elif value is None:
        said = "null"
    elif type(value) is Decimal:
        said = f"{value:f}"
    elif type(value) is Fraction:
        said = f"{value.numerator}/{value.denominator}"
    elif type(value) is str:
        said = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    elif type(value) is list:
        said = f"[{', '.join(shown(each) for each in value[:10])}{', …' * (len(value) > 10)}]"
    elif type(value) is dict:
        said = "{" + ", ".join(f"{key}: {shown(each)}" for key, each in value.items()) + "}"
    elif type(value) is datetime:
        said = value.isoformat()
    else:
        said = str(value)
    return said if len(said) <= SHOWN else f"{said[:SHOWN]}…"


def decimal_of(text: str, where: str) -> Number:
    """The number that a text is. Raises EvaluationError."""
    if not _DECIMAL.fullmatch(text):
        raise EvaluationError(where, f"is {shown(text)}, which is no number")
    return Decimal(text)


def money_of(amount: Any, currency: Any, where: str) -> Money:
    """A sum. Raises EvaluationError for what is no amount or no currency."""
    if type(amount) is str:
        amount = decimal_of(amount, where)
    if type(amount) not in NUMBERS:
        raise EvaluationError(where, f"has a {kind_of(amount)} as its amount")
    if type(currency) is not str or not _CURRENCY.fullmatch(currency):
        said = f"has {shown(currency)} as its currency; a code has three capital letters, as EUR"
        raise EvaluationError(where, said)
    return Money(amount, currency)


def same_currency(left: Money, right: Money, where: str) -> None:
    """Raises EvaluationError: what one is worth in the other's currency is nobody's guess."""
    if left.currency != right.currency:
        raise EvaluationError(where, f"mixes {left} and {right}: they are of different currencies")


def equal(left: Any, right: Any, where: str) -> bool:
    """Whether two values are the same; of different kinds they are not. Raises EvaluationError for
    money of different currencies."""
    a, b = type(left), type(right)
    if a in NUMBERS:
        return b in NUMBERS and bool(left == right)
    if a is not b:
        return False
    if a is Money:
        same_currency(left, right, where)
    if a is list:
        return len(left) == len(right) and all(
            equal(one, other, where) for one, other in zip(left, right, strict=True)
        )
    if a is dict:
        return left.keys() == right.keys() and all(
            equal(value, right[key], where) for key, value in left.items()
        )
    return bool(left == right)


Arithmetic: TypeAlias = Callable[[Any, Any], Any]


def reckon(op: str, left: Number, right: Number, where: str) -> Number:
    """`add`, `sub`, `mul` or `div` of two numbers, exactly. Raises EvaluationError."""
    try:
        if op != "div" and type(left) is int and type(right) is int:
            return int(_EXACTLY[op](left, right))
        if op == "div" or type(left) is Fraction or type(right) is Fraction:
            return Fraction(_EXACTLY[op](Fraction(left), Fraction(right)))
        return Decimal(_DECIMALS[op](left, right))
    except ZeroDivisionError as exc:
        raise EvaluationError(where, "divides by zero") from exc
    except DecimalException as exc:
        raise EvaluationError(where, "has more digits than can be exact") from exc


def reckon_whole(op: str, left: Number, right: Number, where: str) -> int:
    """`div` or `mod` of whole numbers, towards zero, as CEL has it. Raises EvaluationError."""
    if left != int(left) or right != int(right):
        raise EvaluationError(where, "needs whole numbers")
    a, b = int(left), int(right)
    if b == 0:
        raise EvaluationError(where, "divides by zero")
    quotient = abs(a) // abs(b) if (a < 0) == (b < 0) else -(abs(a) // abs(b))
    return quotient if op == "div" else a - b * quotient


_EXACTLY: dict[str, Arithmetic] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}
_DECIMALS: dict[str, Arithmetic] = {
    "add": _EXACT.add,
    "sub": _EXACT.subtract,
    "mul": _EXACT.multiply,
}
