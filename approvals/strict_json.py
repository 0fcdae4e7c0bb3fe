"""Strict JSON: what a text says, and nothing that another reader of it would take otherwise.

NaN and Infinity are refused always (RFC 8259, section 6); each reader chooses the rest.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

LARGEST_EXACT = 2**53 - 1
"""Source: RFC 8785, section 3.2.2.3 (numbers are IEEE 754 doubles), with RFC 7493, 2.2."""
MAX_NUMBER_CHARS = 400
"""Characters of one number: a double, however it is written out."""
TOO_MANY_DIGITS = "This number has more digits than can be kept exactly."


class ConstantError(ValueError):
    """There is a `name` that only looks like a number: NaN, Infinity."""

    def __init__(self, name: str):
        super().__init__(f"{name} is not a JSON number")
        self.name = name


class TwiceError(ValueError):
    """An object has the member `name` twice: readers differ in which of them counts."""

    def __init__(self, name: str):
        super().__init__("a name stands twice in one object")
        self.name = name


class TooDeepError(ValueError):
    """Nested more deeply than is read."""

    def __init__(self, levels: int | None = None):
        said = "too deeply" if levels is None else f"more than {levels} levels deep"
        super().__init__(f"is nested {said}")


class InexactError(ValueError):
    """A number as it is written in `text` would have to be rounded."""

    def __init__(self, message: str, text: str):
        super().__init__(message)
        self.text = text


def read_json(
    text: str, *, exact: bool = False, unique: bool = False, levels: int | None = None
) -> Any:
    """The value of a JSON text.

    `exact`: a number that would be rounded is refused; else one that is no finite double, or has
    more than `MAX_NUMBER_CHARS`. `unique`: a name may not stand twice in an object. `levels`: how
    deep lists and objects may be nested.

    Raises json.JSONDecodeError, or one of the errors above; all are ValueError.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_constant,
            parse_float=exact_number if exact else _float,
            parse_int=exact_number if exact else _int,
            object_pairs_hook=_unique if unique else None,
        )
    except RecursionError:
        raise TooDeepError from None
    if levels is not None and deeper_than(value, levels):
        raise TooDeepError(levels)
    return value


def deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and objects are nested in `value` more than `levels` deep."""
    level = [value]
    for _ in range(levels + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list, tuple))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def exact_number(text: str) -> int | float:
    """The number that is written in `text`. Raises InexactError if it would have to be rounded."""
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        raise InexactError(TOO_MANY_DIGITS, text) from None
    if text.strip().lstrip("+-").isdecimal():
        return exact_integer(number)
    value = float(number)
    if value in (float("inf"), float("-inf")) or Decimal(repr(value)) != number:
        raise InexactError(TOO_MANY_DIGITS, text)
    return value


def exact_integer(number: Decimal) -> int:
    """A whole number as an integer that every reader of JSON keeps. Raises InexactError."""
    if abs(number) > LARGEST_EXACT:
        raise InexactError("This number is too large to be kept exactly.", str(number))
    return int(number)


def _constant(name: str) -> Any:
    raise ConstantError(name)


def _float(text: str) -> float:
    number = float(_short(text))
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large for a number")
    return number


def _int(text: str) -> int:
    return int(_short(text))


def _short(text: str) -> str:
    if len(text) > MAX_NUMBER_CHARS:
        raise ValueError(f"a number has more than {MAX_NUMBER_CHARS} characters")
    return text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise TwiceError(name)
        found[name] = value
    return found
