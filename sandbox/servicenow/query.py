"""Encoded queries: `state=requested^sys_updated_on>=2026-11-22 15:00:00^ORDERBYsys_updated_on`.

Source: ServiceNow docs, "Table API - GET /now/table/{tableName}", and "Encoded query strings"
(read 2026-11-25). A part with an unknown field or operator is ignored, which may leave every row,
unless `glide.invalid_query.returns_no_rows` is true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from countersign.sandbox.servicenow.errors import RestError
from countersign.sandbox.servicenow.store import Store
from countersign.sandbox.servicenow.tables import Row, find_column

_TERM = re.compile(
    r"([a-z0-9_.]+)"
    r"(NOT IN|NOT LIKE|IN|!=|>=|<=|>|<|=|STARTSWITH|ENDSWITH|LIKE|ISEMPTY|ISNOTEMPTY)(.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Condition:
    """`field operator value`."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True)
class Query:
    """Any of `groups` holds; in a group all clauses hold; in a clause any condition does."""

    groups: tuple[tuple[tuple[Condition, ...], ...], ...]
    order: tuple[tuple[str, bool], ...]
    """Fields to sort by, and whether descending."""
    has_invalid: bool


def parse(text: str, table: str) -> Query:
    """Read an encoded query. Raises RestError if it asks to run a script."""
    if "javascript:" in text:
        raise RestError(400, "Invalid query detected", "Scripts in queries are disabled here")
    groups: list[list[list[Condition]]] = [[]]
    order: list[tuple[str, bool]] = []
    has_invalid = False
    for term in text.split("^"):
        if sorting := re.fullmatch(r"ORDERBY(DESC)?([a-z0-9_.]+)", term):
            if find_column(table, sorting[2]) is not None:
                order.append((sorting[2], sorting[1] is not None))
            continue
        if term in ("", "EQ"):
            continue
        if term.startswith("NQ"):
            groups.append([])
            term = term[2:]
        alternative = term.startswith("OR")
        found = _TERM.fullmatch(term[2:] if alternative else term)
        if found is None or find_column(table, found[1]) is None:
            has_invalid = True
            continue
        condition = Condition(found[1], found[2], found[3])
        if alternative and groups[-1]:
            groups[-1][-1].append(condition)
        else:
            groups[-1].append([condition])
    return Query(
        tuple(tuple(tuple(clause) for clause in group) for group in groups),
        tuple(order),
        has_invalid,
    )


def run(query: Query, store: Store, table: str, rows: Sequence[Row]) -> list[Row]:
    """The rows that match, sorted; without a sort order in the order of insertion."""

    def value(row: Row, path: str) -> str:
        found = store.walk(table, row, path)
        if found is None or found[2].kind == "journal":
            return ""
        return found[1].get(path.rpartition(".")[2], "")

    def holds(row: Row, condition: Condition) -> bool:
        numeric = _is_numeric(table, condition.field)
        return _compare(value(row, condition.field), condition, numeric)

    def matches(row: Row) -> bool:
        return any(
            all(any(holds(row, condition) for condition in clause) for clause in group)
            for group in query.groups
        )

    def position(path: str) -> Callable[[Row], tuple[float, str]]:
        return lambda row: _sortable(value(row, path), _is_numeric(table, path))

    found = [row for row in rows if matches(row)]
    for path, descending in reversed(query.order):
        found.sort(key=position(path), reverse=descending)
    return found


def _is_numeric(table: str, path: str) -> bool:
    column = find_column(table, path)
    return column is not None and column.kind == "integer"


def _sortable(text: str, numeric: bool) -> tuple[float, str]:
    try:
        return (float(text) if numeric else 0.0), text.casefold()
    except ValueError:
        return float("-inf"), text.casefold()


def _compare(stored: str, condition: Condition, numeric: bool) -> bool:
    # The database under an instance compares text without regard to case.
    have, want = stored.casefold(), condition.value.casefold()
    wanted = [part.strip() for part in want.split(",")]
    match condition.operator:
        case "=":
            return have == want
        case "!=":
            return have != want
        case "IN":
            return have in wanted
        case "NOT IN":
            return have not in wanted
        case "STARTSWITH":
            return have.startswith(want)
        case "ENDSWITH":
            return have.endswith(want)
        case "LIKE":
            return want in have
        case "NOT LIKE":
            return want not in have
        case "ISEMPTY":
            return have == ""
        case "ISNOTEMPTY":
            return have != ""
        case order:
            return have != "" and _ordered(have, order, want, numeric)


def _ordered(have: str, operator: str, want: str, numeric: bool) -> bool:
    left, right = _sortable(have, numeric), _sortable(want, numeric)
    match operator:
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case _:
            return left <= right
