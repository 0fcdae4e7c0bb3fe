"""Queries on the readings of directories: begun, staged page by page, failed, held, ended.

A reading has a generation, which is compared with every write: of two that run at once, the one
that began later counts, whichever ends first. What it finds is staged, and nothing of it holds
before the whole of it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from countersign.approvals.errors import LostLeaseError
from countersign.approvals.models import DirectoryPage, Value
from countersign.approvals.store import codec, directory_staging
from countersign.approvals.store.dialects import dialect_of
from countersign.approvals.store.schema import (
    directory_accounts,
    directory_groups,
    directory_members,
    directory_sources,
    directory_staged,
    sessions,
)

LEASE = timedelta(minutes=5)
"""How long a reading may be silent; then another one begins."""
_S = directory_sources.c


class Begun(Value):
    """A reading that has begun."""

    source: str
    generation: int
    revision: int
    """With which what it changes is marked."""
    cursor: str | None
    """None: all of it is read."""
    go_on: bool
    """Whether people have said that it may remove however many."""
    began_at: datetime
    attempts: int


class SourceState(Value):
    """How it stands with the readings of a directory."""

    name: str
    revision: int
    read_at: datetime | None
    next_at: datetime | None
    running: bool
    progress: int
    """How many accounts, groups and memberships the present reading has found so far."""
    error: str | None
    held: str | None
    accounts: int = 0
    groups: int = 0
    memberships: int = 0


def know(connection: Connection, name: str, settings: str, now: datetime) -> None:
    """Have a row for a directory. With other `settings` all of it is read again, at once, and what
    is just being read by the former ones counts no more."""
    at = codec.to_text(now)
    row = {"name": name, "settings": settings, "next_at": at}
    insert = _insert(connection, directory_sources).values(row).on_conflict_do_nothing()
    connection.execute(insert)
    again = {"settings": settings, "cursor": None, "next_at": at, "lease_until": None}
    connection.execute(
        update(directory_sources)
        .where(_S.name == name, _S.settings != settings)
        .values(**again, generation=_S.generation + 1)
    )


def due(connection: Connection, now: datetime) -> list[str]:
    """The directories of which a reading is due, and none is under way."""
    query = select(_S.name).where(_is_due(now)).order_by(_S.next_at)
    return list(connection.execute(query).scalars())


def begin(
    connection: Connection,
    name: str,
    now: datetime,
    *,
    whole_every: timedelta,
    settings: str | None = None,
    patience: timedelta = timedelta(0),
) -> Begun | None:
    """Begin a reading, if one is due and none is under way; of all, `whole_every` so often.

    Where other `settings` than these were made known since, by a server that has read its file
    later, that server reads; unless it has not for so long (`patience`).
    """
    values: dict[str, Any] = {
        "generation": _S.generation + 1,
        "progress": 0,
        "lease_until": codec.to_text(now + LEASE),
    }
    mine: list[ColumnElement[bool]] = []
    if settings is not None:
        values["settings"] = settings
        values["cursor"] = case((_S.settings == settings, _S.cursor), else_=None)
        mine = [or_(_S.settings == settings, _S.next_at <= codec.to_text(now - patience))]
    begun = connection.execute(
        update(directory_sources).where(_S.name == name, _is_due(now), *mine).values(values)
    )
    if begun.rowcount != 1:
        return None
    row = connection.execute(select(directory_sources).where(_S.name == name)).one()
    connection.execute(delete(directory_staged).where(directory_staged.c.source == name))
    old = codec.to_text(now - whole_every)
    cursor = None if row.whole_at is None or row.whole_at <= old else row.cursor
    return Begun(
        source=name,
        generation=row.generation,
        revision=row.revision + 1,
        cursor=cursor,
        go_on=bool(row.go_on),
        began_at=now,
        attempts=row.attempts,
    )


def keep(connection: Connection, begun: Begun, now: datetime, *, found: int = 0) -> None:
    """Hold on to a reading. Raises LostLeaseError if a later one has begun."""
    _change(
        connection,
        begun,
        progress=_S.progress + found,
        lease_until=codec.to_text(now + LEASE),
    )


def stage(connection: Connection, begun: Begun, page: DirectoryPage, now: datetime) -> None:
    """Keep a page until the reading has come to its end. Raises LostLeaseError."""
    keep(connection, begun, now, found=len(page))
    directory_staging.put(connection, begun.source, begun.generation, page)


def fail(
    connection: Connection, begun: Begun, error: str, next_at: datetime, *, anew: bool = False
) -> None:
    """End a reading that came to nothing; with `anew` the next one is of all."""
    _change(
        connection,
        begun,
        error=error,
        attempts=_S.attempts + 1,
        lease_until=None,
        next_at=codec.to_text(next_at),
        **({"cursor": None} if anew else {}),
    )


def hold(connection: Connection, begun: Begun, why: str, next_at: datetime) -> None:
    """End a reading that is not taken over before somebody says so; the next one may be."""
    _change(
        connection, begun, held=why, error=None, lease_until=None, next_at=codec.to_text(next_at)
    )


def finish(connection: Connection, begun: Begun, cursor: str | None, next_at: datetime) -> None:
    """What was read holds from now on. Raises LostLeaseError."""
    _change(
        connection,
        begun,
        revision=begun.revision,
        cursor=cursor,
        read_at=codec.to_text(begun.began_at),
        next_at=codec.to_text(next_at),
        **({} if begun.cursor else {"whole_at": codec.to_text(begun.began_at)}),
        lease_until=None,
        attempts=0,
        error=None,
        held=None,
        go_on=0,
    )


def wake(connection: Connection, words: str, now: datetime) -> None:
    """Let sessions go on at once whose error ends with `words`: they wait for a reading."""
    waiting = sessions.c.error.endswith(words, autoescape=True), sessions.c.lease_until.is_(None)
    values = {"next_at": codec.to_text(now)}
    later = sessions.c.next_at > values["next_at"]
    connection.execute(update(sessions).where(later, *waiting).values(values))


def allow(connection: Connection, name: str, now: datetime) -> bool:
    """Let the next reading remove however many, and begin it at once; False if there is no such
    directory."""
    values = {"go_on": 1, "next_at": codec.to_text(now)}
    done = connection.execute(update(directory_sources).where(_S.name == name).values(values))
    return done.rowcount == 1


def read_soon(connection: Connection, name: str, now: datetime) -> bool:
    """Let the next reading begin at once; False if there is no such directory."""
    values = {"next_at": codec.to_text(now)}
    done = connection.execute(update(directory_sources).where(_S.name == name).values(values))
    return done.rowcount == 1


def states(connection: Connection, now: datetime, *, count: bool = False) -> list[SourceState]:
    """All directories by name; with `count` how much there is of each."""
    rows = connection.execute(select(directory_sources).order_by(_S.name)).all()
    counts: dict[str, Mapping[str, int]] = {}
    if count:
        counts = {
            "accounts": _counts(
                connection, directory_accounts, directory_accounts.c.state == "active"
            ),
            "groups": _counts(connection, directory_groups),
            "memberships": _counts(connection, directory_members),
        }
    return [
        SourceState(
            name=row.name,
            revision=row.revision,
            read_at=None if row.read_at is None else codec.from_text(row.read_at),
            next_at=None if row.next_at is None else codec.from_text(row.next_at),
            running=row.lease_until is not None and codec.from_text(row.lease_until) > now,
            progress=row.progress,
            error=row.error,
            held=row.held,
            **{what: of.get(row.name, 0) for what, of in counts.items()},
        )
        for row in rows
    ]


def _is_due(now: datetime) -> ColumnElement[bool]:
    """What `begin` asks in the statement that begins: of two processes, one finds it so."""
    at = codec.to_text(now)
    return and_(_S.next_at <= at, or_(_S.lease_until.is_(None), _S.lease_until <= at))


def _counts(connection: Connection, table: Table, *which: ColumnElement[bool]) -> dict[str, int]:
    query = select(table.c.source, func.count()).where(*which).group_by(table.c.source)
    return {row[0]: row[1] for row in connection.execute(query)}


def _change(connection: Connection, begun: Begun, **values: Any) -> None:
    done = connection.execute(
        update(directory_sources)
        .where(_S.name == begun.source, _S.generation == begun.generation)
        .values(values)
    )
    if done.rowcount != 1:
        raise LostLeaseError(f"A later reading of {begun.source} has begun.")


def _insert(connection: Connection, table: Table) -> Any:
    make = dialect_of(connection).insert
    return make(table)
