"""Tolerances: how far one argument of two calls may be apart, and yet be called the same. Pure.

`5` for numbers that are at most 5 apart, `2%` of what the person did, `1d` for dates and times,
`text` for texts that differ in case, spaces or how letters are encoded, `ignore` for what does not
count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator

from countersign.approvals.rules.durations import duration_s

IGNORE, TEXT = "ignore", "text"
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_PATH = re.compile(r"[^\s.]+(?:\.[^\s.]+)*")


def tolerance(given: Any) -> str:
    """A tolerance as it is written. Raises ValueError for what is none."""
    text = str(given).strip()
    if isinstance(given, bool):
        text = ""
    if text in (IGNORE, TEXT) or _NUMBER.fullmatch(text):
        return text
    if text.endswith("%") and _NUMBER.fullmatch(text[:-1].strip()):
        return f"{text[:-1].strip()}%"
    try:
        duration_s(text)
    except ValueError:
        raise ValueError(
            f"{given!r} is no tolerance; write a number (5), a share (2%), a time (1d), text or "
            "ignore"
        ) from None
    return text


def _path(name: str) -> str:
    if not _PATH.fullmatch(name):
        raise ValueError(f"{name!r} is no argument; write its name, or a path like lines.price")
    return name


Tolerances = Annotated[
    dict[str, str],
    BeforeValidator(
        lambda value: (
            {_path(str(k)): tolerance(v) for k, v in value.items()}
            if isinstance(value, Mapping)
            else value
        )
    ),
]
"""By argument, or by the path to what is in one: `amount`, `lines.price`."""


def within(allowed: str, proposed: Any, done: Any) -> bool:
    """Whether two values are the same within a tolerance other than `ignore`."""
    if allowed == TEXT:
        return (
            isinstance(proposed, str) and isinstance(done, str) and plain(proposed) == plain(done)
        )
    if allowed.endswith("%") or _NUMBER.fullmatch(allowed):
        one, other = number(proposed), number(done)
        if one is None or other is None:
            return False
        if allowed.endswith("%"):
            return abs(one - other) * 100 <= Decimal(allowed[:-1]) * abs(other)
        return abs(one - other) <= Decimal(allowed)
    return _within_time(timedelta(seconds=duration_s(allowed)), proposed, done)


def number(value: Any) -> Decimal | None:
    """What a number says, also one that is written as a text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def plain(text: str) -> str:
    """A text without what `text` does not look at."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _within_time(span: timedelta, proposed: Any, done: Any) -> bool:
    try:
        one, other = datetime.fromisoformat(proposed), datetime.fromisoformat(done)
        return abs(one - other) <= span
    except (TypeError, ValueError):  # no time, or only one of them says in which zone it is
        return False
