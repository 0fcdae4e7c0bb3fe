"""Queries on schedules: to whom of each one what waits was shown."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from countersign.approvals.store.schema import schedules_shown

_S = schedules_shown.c


def shown(connection: Connection) -> dict[str, str]:
    """To whom, by the name of the schedule."""
    return {row[0]: row[1] for row in connection.execute(select(_S.name, _S.people))}


def show(connection: Connection, name: str, people: str) -> None:
    """It was shown to these people."""
    connection.execute(delete(schedules_shown).where(_S.name == name))
    connection.execute(insert(schedules_shown).values(name=name, people=people))
