"""The quick check of a session calls nothing sound that a closer look finds wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Table, select, update
from sqlalchemy.exc import StatementError

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import SessionId
from countersign.approvals.store import pages
from countersign.approvals.store.schema import ledger, sessions
from countersign.approvals.store.sound import OF, is_sound
from countersign.approvals.store.verifying import verify_one
from tests.connectors.desk_world import DeskWorld
from tests.connectors.test_columns import lived, other, rows_of, session_of, where

pytestmark = pytest.mark.asyncio


def sound(connection: Connection, session_id: str) -> bool:
    """What the quick check says of one session, read as it is for all of them."""
    before = connection.execute(
        select(sessions.c.id).where(sessions.c.id < session_id).order_by(sessions.c.id.desc())
    ).scalar()
    for columns in OF.values():
        columns.shapes.clear()  # as if it was the first one of its kind
    whole = pages.page(connection, before or "", limit=1).get(session_id, pages.Whole())
    return whole.session is not None and is_sound(whole.session, whole.entries, whole.stored)


def instead(column: Column[Any], value: Any) -> Iterator[Any]:
    """What somebody may write into a column, to be seen by nobody."""
    yield other(column, value)
    yield None
    if isinstance(value, str):
        yield from ("", f" {value}", f"{value} ", f"{value}\n", value.upper(), value.lower())
        yield f"sha256:{sha256_hex(value.encode())}"  # what the ledger says of a long one
        yield value.replace(":", ": ", 1).replace('{"', '{ "', 1)
        yield value.replace("{", '{"kind":"tool",', 1)  # a name that is there twice
        yield value.replace(".0", "").replace("0", "0.0", 1)
    elif value is not None:
        yield from (str(value), -value, f"{value}.0", f"{value}x")


def changes(connection: Connection, table: Table) -> Iterator[tuple[Any, SessionId, Any]]:
    rows = rows_of(connection, table)
    for row in rows[:: len(rows) // 2 or 1]:
        session_id = session_of(connection, table, row)
        assert session_id is not None
        for column in table.c:
            for value in instead(column, row[column.name]):
                if value != row[column.name] or type(value) is not type(row[column.name]):
                    change = update(table).where(where(table, row)).values({column: value})
                    yield change, session_id, (table.name, column.name, value)


def disagreements(connection: Connection) -> tuple[int, list[Any]]:
    """How many changes the database took, and those that only the closer look finds."""
    taken, found = 0, []
    for table in (*(each.table for each in OF.values()), ledger):
        for change, session_id, name in list(changes(connection, table)):
            part = connection.begin_nested()
            try:
                connection.execute(change)
            except StatementError:
                part.rollback()
                continue
            taken += 1
            if sound(connection, session_id) and not verify_one(connection, session_id).verified:
                found.append(name)
            part.rollback()
    return taken, found


async def test_what_is_quickly_called_sound_is_sound(world: DeskWorld) -> None:
    """And all that was written by this release is quickly called so."""
    await lived(world)

    def unit(connection: Connection) -> Any:
        quick = {
            s: sound(connection, s) for s in connection.execute(select(sessions.c.id)).scalars()
        }
        return quick, disagreements(connection)

    quick, (taken, missed) = await world.store.write(unit)

    assert len(quick) > 10
    assert set() == {session_id for session_id, yes in quick.items() if not yes}
    assert taken > 1_000
    assert [] == missed
