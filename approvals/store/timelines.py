"""Rows of all statuses by time, though the index is by status first: of each status the next few
are read, so that a page costs the same however many rows there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    union_all,
)

from countersign.approvals.store.prepared import Prepared

Place = tuple[str, str]
"""The (created_at, id) of a row: where a list goes on."""
BEGINNING: Place = ("", "")
END: Place = ("9999", "")
"""After everything: where a list begins that has the newest first."""


class Timeline:
    """A table with `status`, `created_at` and `id`, and an index over these three."""

    def __init__(
        self,
        table: Table,
        columns: Iterable[Any],
        statuses: type[StrEnum],
        *,
        newest: bool,
        only: Sequence[ColumnElement[bool]] = (),
    ):
        """`only` are conditions on its rows that hold for nearly all of them."""
        self._beginning = END if newest else BEGINNING
        place: tuple[Any, Any] = bindparam("at"), bindparam("row")
        parts = []
        for status in statuses:
            query = (
                select(table.c.created_at, table.c.id)
                .where(table.c.status == status.value, *beyond(table, place, newest=newest), *only)
                .order_by(*by_time(table, newest=newest))
                .limit(bindparam("most"))
                .subquery()
            )
            parts.append(select(query.c.created_at, query.c.id))
        merged = union_all(*parts).subquery()
        ids = select(merged.c.id).order_by(*by_time(merged, newest=newest))
        ids = ids.limit(bindparam("most"))
        rows = select(*columns).order_by(*by_time(table, newest=newest))
        # PostgreSQL would read a whole table of some ten thousand rows to join it with a list; an
        # array it looks up in the index.
        array = func.array(ids.scalar_subquery())
        self._page = Prepared(
            rows.where(table.c.id.in_(ids)),
            postgresql=lambda: rows.where(table.c.id == any_(array)),
        )

    def page(
        self, connection: Connection, after: Place | None, limit: int
    ) -> Sequence[Sequence[Any]]:
        """The first rows, after the place of the last one seen."""
        at, row = after or self._beginning
        return self._page.all(connection, at=at, row=row, most=limit)


def by_time(table: Any, *, newest: bool) -> Sequence[ColumnElement[Any]]:
    """The order of a list."""
    order = table.c.created_at, table.c.id
    return [column.desc() for column in order] if newest else order


def beyond(table: Table, place: Sequence[Any], *, newest: bool) -> tuple[ColumnElement[bool], ...]:
    """What comes after a place; the first condition is where an index is read from, unlike `or`."""
    at, row = table.c.created_at, table.c.id
    if newest:
        return at <= place[0], or_(at < place[0], and_(at == place[0], row < place[1]))
    return at >= place[0], or_(at > place[0], and_(at == place[0], row > place[1]))
