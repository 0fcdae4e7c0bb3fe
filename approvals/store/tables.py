"""Reads the rows of sessions as they are, whatever they hold, to compare them with the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from countersign.approvals.store.schema import (
    archived_sessions,
    budget_uses,
    delegations,
    deliveries,
    grant_uses,
    grants,
    hindsights,
    legal_holds,
    passkeys,
    pauses,
    questions,
    request_openings,
    requests,
    result_texts,
    rollouts,
    session_messages,
    sessions,
    votes,
)


@dataclass(frozen=True)
class Row:
    """One row: its table, its primary key, its columns."""

    table: str
    key: tuple[Any, ...]
    columns: Mapping[str, Any]


OF_REQUESTS = (
    votes,
    questions,
    request_openings,
    result_texts,
    deliveries,
    grant_uses,
    budget_uses,
    hindsights,
)
"""Tables whose rows belong to a request."""
GOVERNED: tuple[Table, ...] = (
    pauses,
    grants,
    delegations,
    passkeys,
    legal_holds,
    archived_sessions,
    rollouts,
)
"""Tables whose rows belong to no session, and are on the governance ledger."""


def rows_of(connection: Connection, first: str, last: str) -> dict[str, list[Row]]:
    """The rows of the sessions whose ids are from `first` to `last`, by session."""
    found: dict[str, list[Row]] = {}
    for row in _read(connection, sessions, sessions.c.id >= first, sessions.c.id <= last):
        found.setdefault(str(row.key[0]), []).append(row)
    mine = requests.c.session_id >= first, requests.c.session_id <= last
    owners: dict[Any, str] = {}
    for row in _read(connection, requests, *mine):
        session_id = row.columns["session_id"]
        owners[row.key[0]] = session_id
        found.setdefault(session_id, []).append(row)
    of_them = session_messages.c.session_id
    for row in _read(connection, session_messages, of_them >= first, of_them <= last):
        found.setdefault(str(row.key[0]), []).append(row)
    for table in OF_REQUESTS:
        for row in _read(
            connection, table, table.c.request_id.in_(select(requests.c.id).where(*mine))
        ):
            found.setdefault(owners[row.columns["request_id"]], []).append(row)
    return found


def governed(connection: Connection) -> list[Row]:
    """The rows of which the governance ledger tells."""
    return [row for table in GOVERNED for row in _read(connection, table)]


def orphans(connection: Connection, *, limit: int) -> list[str]:
    """Rows whose session or request is gone, at most `limit` of each table."""
    lost = [
        *(
            (table, table.c.session_id.not_in(select(sessions.c.id)))
            for table in (requests, session_messages)
        ),
        *((table, table.c.request_id.not_in(select(requests.c.id))) for table in OF_REQUESTS),
    ]
    return [
        f"{table.name} {' / '.join(map(str, row.key))}: what it belongs to is gone"
        for table, gone in lost
        for row in _read(connection, table, gone, limit=limit)
    ]


def _read(
    connection: Connection, table: Table, *which: ColumnElement[bool], limit: int | None = None
) -> Iterator[Row]:
    names = [column.name for column in table.primary_key]
    query = select(table).where(*which).limit(limit)
    columns = [column.name for column in table.c]
    for each in connection.execute(query).all():
        found = dict(zip(columns, each, strict=True))
        yield Row(table.name, tuple(found[name] for name in names), found)
