"""Functions that conditions may call: what each takes, gives and does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from countersign.approvals.rules.conditions.types import (
    BOOL,
    DOUBLE,
    DURATION,
    INT,
    MONEY,
    STRING,
    TIMESTAMP,
    Type,
)
from countersign.approvals.rules.conditions.values import (
    NUMBERS,
    EvaluationError,
    Money,
    Number,
    decimal_of,
    kind_of,
    money_of,
    reckon,
    same_currency,
    shown,
)
from countersign.approvals.rules.durations import duration_s


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `takes` has the kinds that each parameter may have; a method's first one is
    what stands before the dot. It is `run` with the text of the call, for errors, and the values.
    """

    takes: tuple[frozenset[str], ...]
    gives: Type
    run: Callable[..., Any]
    is_method: bool = True
    optional: int = 0
    """How many of the last parameters need not be given."""


def _kinds(*words: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(word.split("|")) for word in words)


_RUNTIME: Mapping[str, frozenset[type]] = {
    "bool": frozenset({bool}),
    "number": NUMBERS,
    "int": NUMBERS,
    "double": NUMBERS,
    "string": frozenset({str}),
    "list": frozenset({list}),
    "object": frozenset({dict}),
    "timestamp": frozenset({datetime}),
    "duration": frozenset({timedelta}),
    "money": frozenset({Money}),
}


def accepts(kinds: frozenset[str], value: Any) -> bool:
    """Whether a value is of one of these kinds."""
    return any(type(value) in _RUNTIME[kind] for kind in kinds)


def _size(where: str, value: Any) -> int:
    return len(value)


def _whole(where: str, value: Any) -> int:
    number = decimal_of(value, where) if type(value) is str else value
    return int(number)  # towards zero, as CEL has it


def _number(where: str, value: Any) -> Number:
    return decimal_of(value, where) if type(value) is str else value


def _time(where: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise EvaluationError(where, f"has {shown(text)}, which is no time") from None
    if found.tzinfo is None:
        raise EvaluationError(
            where, f"has {shown(text)}, which has no offset, as 2026-12-01T09:00:00+01:00 has"
        )
    return found


def _duration(where: str, text: str) -> timedelta:
    try:
        return timedelta(seconds=duration_s(text))
    except ValueError as exc:
        raise EvaluationError(where, str(exc)) from None


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise ValueError(f"{name!r} is no time zone; write one as Europe/Berlin") from exc


def _in_zone(pick: Callable[[datetime], int]) -> Callable[[str, datetime, str], int]:
    def run(where: str, time: datetime, name: str) -> int:
        try:
            return pick(time.astimezone(zone(name)))
        except (ValueError, OverflowError) as exc:
            raise EvaluationError(where, f"cannot be told: {exc}") from None

    return run


def _money(where: str, amount: Any, currency: Any = None) -> Money:
    if type(amount) is dict and currency is None:
        missing = [name for name in ("amount", "currency") if name not in amount]
        if missing:
            raise EvaluationError(where, f"is of an object without {missing[0]}")
        return money_of(amount["amount"], amount["currency"], where)
    if type(amount) is dict or currency is None:
        raise EvaluationError(where, "needs an amount and a currency")
    return money_of(amount, currency, where)


def _elements(where: str, values: list[Any]) -> list[Any]:
    """Numbers, or money of one currency. Raises EvaluationError."""
    kinds = {Money if type(value) is Money else type(value) in NUMBERS for value in values}
    if kinds not in ({True}, {Money}):
        wrong = next((v for v in values if type(v) not in NUMBERS and type(v) is not Money), None)
        said = "mixes money and numbers" if wrong is None else f"has a {kind_of(wrong)} in it"
        raise EvaluationError(where, said)
    for value in values:
        if type(value) is Money:
            same_currency(values[0], value, where)
    return values


def _sum(where: str, values: list[Any]) -> Any:
    if not values:
        return 0
    first, *others = _elements(where, values)
    for other in others:
        first = plus(first, other, where)
    return first


def plus(left: Any, right: Any, where: str) -> Any:
    """The sum of two numbers, or of two sums of money in one currency."""
    if type(left) is not Money:
        return reckon("add", left, right, where)
    same_currency(left, right, where)
    return Money(reckon("add", left.amount, right.amount, where), left.currency)


def _of_all(pick: Callable[..., Any]) -> Callable[[str, list[Any]], Any]:
    def run(where: str, values: list[Any]) -> Any:
        if not values:
            raise EvaluationError(where, "is of an empty list")
        return pick(_elements(where, values), key=lambda v: v.amount if type(v) is Money else v)

    return run


_TEXT_TEXT, _TEXT, _TIME_ZONE = (
    _kinds("string", "string"),
    _kinds("string"),
    _kinds("timestamp", "string"),
)
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}

FUNCTIONS: Mapping[str, Function] = {
    "size": Function(_kinds("string|list|object"), INT, _size),
    "startsWith": Function(_TEXT_TEXT, BOOL, lambda where, a, b: a.startswith(b)),
    "endsWith": Function(_TEXT_TEXT, BOOL, lambda where, a, b: a.endswith(b)),
    "contains": Function(_TEXT_TEXT, BOOL, lambda where, a, b: b in a),
    "lowerAscii": Function(_TEXT, STRING, lambda where, a: a.translate(_LOWER)),
    "upperAscii": Function(_TEXT, STRING, lambda where, a: a.translate(_UPPER)),
    "trim": Function(_TEXT, STRING, lambda where, a: a.strip()),
    "int": Function(_kinds("number|string"), INT, _whole, is_method=False),
    "double": Function(_kinds("number|string"), DOUBLE, _number, is_method=False),
    "timestamp": Function(_TEXT, TIMESTAMP, _time, is_method=False),
    "duration": Function(_TEXT, DURATION, _duration, is_method=False),
    "money": Function(
        _kinds("number|string|object", "string"), MONEY, _money, is_method=False, optional=1
    ),
    "sum": Function(_kinds("list"), DOUBLE, _sum),
    "min": Function(_kinds("list"), DOUBLE, _of_all(min)),
    "max": Function(_kinds("list"), DOUBLE, _of_all(max)),
    "getHours": Function(_TIME_ZONE, INT, _in_zone(lambda t: t.hour)),
    "getMinutes": Function(_TIME_ZONE, INT, _in_zone(lambda t: t.minute)),
    "getDayOfWeek": Function(_TIME_ZONE, INT, _in_zone(lambda t: t.isoweekday() % 7)),
    "getDate": Function(_TIME_ZONE, INT, _in_zone(lambda t: t.day)),
    "getMonth": Function(_TIME_ZONE, INT, _in_zone(lambda t: t.month - 1)),
    "getFullYear": Function(_TIME_ZONE, INT, _in_zone(lambda t: t.year)),
}
"""By name. Sunday is day 0 and January month 0, as in CEL; a time has no hour without a zone."""

ZONED = frozenset(name for name in FUNCTIONS if name.startswith("get"))
OF_NUMBERS = frozenset({"sum", "min", "max"})
HAS, BUSINESS_TIME = "has", "business_time"
SAME, TOTAL = "same", "total"
"""Methods of `history` and of `batch` that name an argument."""
ELSEWHERE: Mapping[str, str] = {
    "matches": "write startsWith, endsWith, contains or `in`: a pattern can take for ever",
    "string": "compare the value itself",
    "bool": "compare the value itself",
    "uint": "write int",
    "dyn": "leave it out",
    "type": "leave it out; types are checked when the policy is read",
    "bytes": "compare the text itself",
}
"""What CEL has and conditions have not, with what to write."""
