"""Reads all that there is of many sessions at once, as rows that the driver gives.

Building values of 2,000 rows with 50 columns costs more than checking them, so it is not done here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Select,
    bindparam,
    exists,
    literal_column,
    select,
    union_all,
)

from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import ledger, requests, session_messages, sessions
from countersign.approvals.store.sound import OF, Columns, Values
from countersign.approvals.store.tables import OF_REQUESTS


@dataclass
class Whole:
    """All rows of one session: all columns of each, in the order of its table. Without `session`
    the session itself is gone."""

    session: Values | None = None
    entries: list[Values] = field(default_factory=list)
    stored: list[tuple[Columns, Values]] = field(default_factory=list)
    """The rows of other tables."""


def page(connection: Connection, after: str, *, limit: int) -> dict[str, Whole]:
    """The sessions whose ids follow `after`: `limit` of them, and those in between that are gone;
    {} if none is left."""
    found: dict[str, Whole] = {}
    for row in _FIRST.all(connection, after=after, most=limit):
        found[row[_ID]] = Whole(session=tuple(row))
    last = max(found) if len(found) == limit else None
    for session_id, entries in groupby(_ENTRIES(connection, after, last), _ENTRY_OF):
        whole = found.get(session_id)
        if whole is None:
            whole = found[session_id] = Whole()
        whole.entries = list(entries)
    owners: dict[Any, Whole] = {}
    for row in _REQUESTS_OF(connection, after, last):
        mine = owners[row[_REQUEST]] = found.setdefault(row[_REQUEST_OF], Whole())
        mine.stored.append((_REQUESTS, row))
    for row in _MESSAGES(connection, after, last):
        found.setdefault(row[_MESSAGE_OF], Whole()).stored.append((_MESSAGE, row))
    for (name,) in _THERE.all(connection):
        columns, read = _OTHERS[name]
        place = columns.place["request_id"]
        for row in read(connection, after, last):
            owners[row[place]].stored.append((columns, row))
    return dict(sorted(found.items()))


Read = Callable[[Connection, str, "str | None"], Any]


def _reading(query: Select[Any], of: Column[Any], within: Select[Any] | None = None) -> Read:
    """Runs a query on the sessions between two ids, or on all that follow one."""

    def where(*which: Any) -> Prepared:
        if within is None:
            return Prepared(query.where(*which))
        return Prepared(query.where(of_request.in_(within.where(*which))))

    of_request = query.selected_columns["request_id"] if within is not None else of
    follow, until = of > bindparam("after"), of <= bindparam("last")
    bounded, rest = where(follow, until), where(follow)

    def read(connection: Connection, after: str, last: str | None) -> Any:
        if last is None:
            return rest.all(connection, after=after)
        return bounded.all(connection, after=after, last=last)

    return read


_REQUESTS, _MESSAGE = OF[requests.name], OF[session_messages.name]
_ID, _REQUEST = OF[sessions.name].place["id"], _REQUESTS.place["id"]
_ENTRY_OF = itemgetter(list(ledger.c).index(ledger.c.session_id))
_REQUEST_OF, _MESSAGE_OF = _REQUESTS.place["session_id"], _MESSAGE.place["session_id"]
_of = sessions.c.id > bindparam("after")
_FIRST = Prepared(select(sessions).where(_of).order_by(sessions.c.id).limit(bindparam("most")))
_ENTRIES = _reading(select(ledger).order_by(ledger.c.session_id, ledger.c.seq), ledger.c.session_id)
_REQUESTS_OF = _reading(select(requests), requests.c.session_id)
_MESSAGES = _reading(select(session_messages), session_messages.c.session_id)
_OTHERS = {
    table.name: (
        OF[table.name],
        _reading(select(table), requests.c.session_id, select(requests.c.id)),
    )
    for table in OF_REQUESTS
}
_THERE = Prepared(
    union_all(
        *(
            select(literal_column(f"'{table.name}'")).where(exists(select(table.c.request_id)))
            for table in OF_REQUESTS
        )
    )
)
"""The names of those that have rows at all."""
