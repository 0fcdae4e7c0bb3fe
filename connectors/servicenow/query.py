"""Encoded queries, built so that no value can add a condition of its own.

`^` separates conditions and cannot be escaped; `javascript:` asks the instance to run a script.
Source: ServiceNow docs, "Encoded query strings" and "Table API - GET", read 2026-11-25. A condition
on an unknown column is left out without a word, so callers check each row again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from countersign.approvals.errors import InvalidError

SYS_ID = re.compile(r"[0-9a-f]{32}")
_UNSAFE = re.compile(r"[\^\r\n]|javascript:", re.IGNORECASE)


def all_of(*terms: str) -> str:
    """Every term holds; sort orders are terms, too."""
    return "^".join(terms)


def equals(column: str, value: str) -> str:
    """`column=value`. Raises InvalidError if the value would be read as more than a value."""
    return f"{column}={_safe(value)}"


def starts(column: str, value: str) -> str:
    """The column begins with the value. Raises InvalidError."""
    return f"{column}STARTSWITH{_safe(value)}"


def any_of(column: str, values: Iterable[str]) -> str:
    """The column is one of the values. Raises InvalidError."""
    safe = [_safe(value) for value in values]
    if any("," in value for value in safe):
        raise InvalidError(f"A value for {column} has a comma in it; ServiceNow cannot look it up.")
    return f"{column}IN{','.join(safe)}"


def since(columns: Iterable[str], moment: datetime) -> str:
    """One of the columns is at `moment` or later."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return "^OR".join(f"{column}>={text}" for column in columns)


def _safe(value: str) -> str:
    if _UNSAFE.search(value):
        raise InvalidError("A value has a character in it that ServiceNow would read as a query.")
    return value
