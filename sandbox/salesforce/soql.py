"""As much of SOQL as programs use for one object: fields, parents, conditions, order, limit.

Source: "SOQL SELECT Syntax" and "Quoted String Escape Sequences", SOQL and SOSL Reference
(developer.salesforce.com, read 2026-11-30).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_QUERY = re.compile(
    r"\s*SELECT\s+(?P<fields>.+?)\s+FROM\s+(?P<object>\w+)"
    r"(?:\s+WHERE\s+(?P<where>.+?))?"
    r"(?:\s+ORDER\s+BY\s+(?P<order>[\w.]+)(?:\s+(?P<way>ASC|DESC))?)?"
    r"(?:\s+LIMIT\s+(?P<limit>\d+))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_TEXT = r"'(?:[^'\\]|\\.)*'"
_CONDITION = re.compile(
    rf"\s*(?P<field>[\w.]+)\s*(?P<op>!=|<=|>=|=|<|>|\bLIKE\b|\bIN\b)\s*"
    rf"(?P<value>{_TEXT}|\([^)]*\)|[^\s')]+)\s*",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_KNOWN_ESCAPES = set("nNrRtTbBfF\"'\\_%")


class SoqlError(Exception):
    """A query that is none, as MALFORMED_QUERY or INVALID_FIELD."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


Lookup = Callable[[str], Any]
"""The value of a field, or of a parent's (`Account.Name`), of one record."""


@dataclass(frozen=True)
class Query:
    """One query; `conditions` hold all of them together."""

    object: str
    fields: tuple[str, ...]
    conditions: tuple[tuple[str, str, Any], ...] = ()
    order: str | None = None
    descending: bool = False
    limit: int | None = None

    @property
    def named(self) -> set[str]:
        """Every field that it names."""
        used = {*self.fields, *(field for field, _, _ in self.conditions)}
        return used | ({self.order} if self.order else set())

    def holds(self, value: Lookup) -> bool:
        """Whether a record is among the answers."""
        return all(_holds(op, value(field), wanted) for field, op, wanted in self.conditions)


def parse(text: str) -> Query:
    """Read a query. Raises SoqlError."""
    found = _QUERY.fullmatch(text)
    if found is None:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: {text[:60]}")
    fields = tuple(name.strip() for name in found["fields"].split(","))
    if not all(re.fullmatch(r"[\w.]+", name) for name in fields):
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: {found['fields']}")
    return Query(
        found["object"],
        fields,
        _conditions(found["where"] or ""),
        found["order"],
        (found["way"] or "").upper() == "DESC",
        int(found["limit"]) if found["limit"] else None,
    )


def _conditions(text: str) -> tuple[tuple[str, str, Any], ...]:
    found: list[tuple[str, str, Any]] = []
    at = 0
    while at < len(text):
        one = _CONDITION.match(text, at)
        if one is None:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: {text[at : at + 40]}")
        op = one["op"].upper()
        found.append((one["field"], op, _value(one["value"], like=op == "LIKE")))
        at = one.end()
        if at < len(text):
            joined = re.compile(r"AND\b", re.IGNORECASE).match(text, at)
            if joined is None:
                raise SoqlError("MALFORMED_QUERY", f"unexpected token: {text[at : at + 40]}")
            at = joined.end()
    return tuple(found)


def _value(written: str, *, like: bool) -> Any:
    if written.startswith("("):
        inner = re.findall(rf"{_TEXT}|[^\s,]+", written[1:-1])
        return [_value(each, like=False) for each in inner]
    if written.startswith("'"):
        return _like(written[1:-1]) if like else _unescaped(written[1:-1])
    if written.lower() in ("null", "true", "false"):
        return {"null": None, "true": True, "false": False}[written.lower()]
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written):
        return written
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}T.+", written):
        return datetime.fromisoformat(written)
    try:
        return float(written)
    except ValueError:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{written}'") from None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: _escaped(m[1]), text, flags=re.DOTALL)


def _escaped(letter: str) -> str:
    if letter not in _KNOWN_ESCAPES:
        raise SoqlError("MALFORMED_QUERY", f"Illegal escape sequence \\{letter}")
    return _ESCAPES.get(letter.lower(), letter)


def _like(text: str) -> re.Pattern[str]:
    r"""`%` for anything, `_` for one character, `\%` and `\_` for themselves; any case."""
    parts = []
    for piece in re.findall(r"\\.|.", text, re.DOTALL):
        if piece.startswith("\\"):
            parts.append(re.escape(_escaped(piece[1])))
        else:
            parts.append({"%": ".*", "_": "."}.get(piece, re.escape(piece)))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _holds(op: str, value: Any, wanted: Any) -> bool:
    if op == "LIKE":
        return value is not None and wanted.fullmatch(str(value)) is not None
    if op == "IN":
        return any(_same(value, each) for each in wanted)
    if op in ("=", "!="):
        return _same(value, wanted) is (op == "=")
    if value is None or wanted is None:
        return False
    if isinstance(wanted, datetime):
        value = datetime.fromisoformat(str(value))
    compared: Mapping[str, bool] = {
        "<": value < wanted,
        ">": value > wanted,
        "<=": value <= wanted,
        ">=": value >= wanted,
    }
    return compared[op]


def _same(value: Any, wanted: Any) -> bool:
    """Texts are equal whatever their case, as in SOQL."""
    if isinstance(wanted, datetime) and value is not None:
        return datetime.fromisoformat(str(value)) == wanted
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower()
    return bool(value == wanted)
