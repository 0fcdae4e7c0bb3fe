"""All rows of one session, in every table: read as they are, taken out, and put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select

from countersign.approvals.errors import ConflictError
from countersign.approvals.store.schema import (
    archived_sessions,
    deliveries,
    grants,
    ledger_leaves,
    metadata,
    notices,
    requests,
    sessions,
)

Belongings: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by table, in the order of their keys."""
STAYS = frozenset({ledger_leaves, grants, archived_sessions})
"""They name sessions and requests, and are nobody's: what was sealed, what was allowed, what is
elsewhere."""


def _condition(table: Table, session_id: str) -> ColumnElement[bool] | None:
    of_session = select(requests.c.id).where(requests.c.session_id == session_id)
    if table is sessions:
        return sessions.c.id == session_id
    if table in STAYS:
        return None
    if "request_id" in table.c:  # a proof's session is that of a browser
        return table.c.request_id.in_(of_session)
    if "session_id" in table.c:
        return table.c.session_id == session_id
    if "delivery_id" in table.c:
        shown = select(deliveries.c.id).where(deliveries.c.request_id.in_(of_session))
        return table.c.delivery_id.in_(shown)
    return None


def tables() -> list[Table]:
    """Those with rows of sessions; what others refer to comes first."""
    return [t for t in metadata.sorted_tables if _condition(t, "") is not None]


def read(connection: Connection, session_id: str) -> Belongings:
    """All there is of a session."""
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    for table in tables():
        where = _condition(table, session_id)
        query = select(table).where(where).order_by(*table.primary_key)  # type: ignore[arg-type]
        rows = [dict(row) for row in connection.execute(query).mappings()]
        if rows:
            found[table.name] = rows
    return found


def take_out(connection: Connection, session_id: str, known: Belongings) -> None:
    """Delete all rows of a session. Raises ConflictError if they are not as many as `known`."""
    for table in reversed(tables()):
        where = _condition(table, session_id)
        count = connection.execute(delete(table).where(where)).rowcount  # type: ignore[arg-type]
        if count != len(known.get(table.name, ())):
            raise ConflictError(f"Session {session_id} has moved meanwhile ({table.name}).")


def put_back(connection: Connection, rows: Belongings) -> None:
    """Insert them as they were; a sentence in a thread whose number was given anew gets another.

    Raises ConflictError for a table or column that this version does not have.
    """
    known = {table.name: table for table in tables()}
    if unknown := set(rows) - known.keys():
        raise ConflictError(f"The table {min(unknown)} is of another version.")
    for name, table in known.items():
        for row in rows.get(name, ()):
            if strange := set(row) - set(table.c.keys()):
                raise ConflictError(f"The column {name}.{min(strange)} is of another version.")
            connection.execute(insert(table).values(_fitting(connection, table, row)))


def _fitting(connection: Connection, table: Table, row: Mapping[str, Any]) -> Mapping[str, Any]:
    if table is sessions and row["idempotency_key"] is not None:
        same = sessions.c.idempotency_key == row["idempotency_key"]
        newer = connection.execute(select(sessions.c.id).where(same)).scalar()
        if newer is not None:
            raise ConflictError(
                f"Session {row['id']} cannot be restored: its idempotency key has been used again, "
                f"for session {newer}."
            )
    if table is notices:
        taken = connection.execute(select(notices.c.id).where(notices.c.id == row["id"])).first()
        if taken is not None:
            return {name: value for name, value in row.items() if name != "id"}
    return row
