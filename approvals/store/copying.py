"""Database copy: all of it from SQLite to PostgreSQL or back, or nothing.

Everything happens in one transaction of the target: a copy that is interrupted, or whose counts or
ledger do not come out right, leaves the target without rows. Nobody may use either database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import DBAPIError

from countersign.approvals.audit.ledger import Verification
from countersign.approvals.errors import (
    ConfigurationError,
    ConflictError,
    InvalidError,
    UnavailableError,
)
from countersign.approvals.models import Value
from countersign.approvals.store import (
    doorbells,
    engine_of,
    require_current,
    upgrade,
)
from countersign.approvals.store.revision import current_revision
from countersign.approvals.store.schema import metadata
from countersign.approvals.store.sqlite_engine import exclusive
from countersign.approvals.store.urls import is_postgresql, shown, sqlite_path
from countersign.approvals.store.verifying import verify_in

BATCH = 500
"""Rows that are in memory at once."""
SILENT_S = 20.0
"""A server that was not heard of for so long has stopped; one that stops properly says so."""


class Copied(Value):
    """What there is in the target now."""

    rows: Mapping[str, int]
    """By table, in the order in which they were written."""
    ledger: Verification


def copy(source_url: str, target_url: str, *, tell: Callable[[str, int], None]) -> Copied:
    """Copy every row; `tell` hears of each table with its number of rows.

    Raises ConfigurationError if one of the two cannot be used, ConflictError if one of them is in
    use or the target has rows, InvalidError if it has not come out the same, UnavailableError if a
    database fails. After any of these the target has no rows.
    """
    if shown(source_url) == shown(target_url):
        raise ConfigurationError(f"{shown(source_url)} cannot be copied to itself.")
    require_current(source_url)
    _prepare(target_url)
    try:
        with ExitStack() as stack:
            source = stack.enter_context(_alone(source_url, write=False))
            target = stack.enter_context(_alone(target_url, write=True))
            _require_empty(target, target_url)
            rows = {table.name: _copy_table(table, source, target, tell) for table in _tables()}
            for table in _tables():
                _continue_numbers(target, table)
            return Copied(rows=rows, ledger=_require_same(source, target, rows))
    except DBAPIError as exc:
        why = str(exc.orig).strip().partition("\n")[0]
        raise UnavailableError(f"Nothing was copied: {why}.") from exc


def _tables() -> list[Table]:
    """Those that others refer to come first."""
    return list(metadata.sorted_tables)


def _prepare(url: str) -> None:
    """A target without any schema gets one; any other has to be on that of this version."""
    if not is_postgresql(url) and not sqlite_path(url).exists():
        upgrade(url)
        return
    engine = engine_of(url)
    try:
        empty = current_revision(engine) is None
    except DBAPIError:
        empty = False  # `require_current` says what is wrong
    finally:
        engine.dispose()
    if empty:
        upgrade(url)
    require_current(url)


@contextmanager
def _alone(url: str, *, write: bool) -> Iterator[Connection]:
    """A transaction on a database that no server uses. Raises ConflictError or
    ConfigurationError if one does."""
    with ExitStack() as stack:
        if not is_postgresql(url):
            stack.enter_context(exclusive(sqlite_path(url)))
        engine = engine_of(url)
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.connect())
        if is_postgresql(url) and not write:
            connection.execution_options(isolation_level="REPEATABLE READ")
        stack.enter_context(connection.begin())
        if is_postgresql(url):
            _require_unused(connection, url, write=write)
        yield connection


def _require_unused(connection: Connection, url: str, *, write: bool) -> None:
    if write:  # whoever comes now waits until the copy is there
        names = ", ".join(table.name for table in _tables())
        connection.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
    if doorbells.live_workers(connection, silent_s=SILENT_S):
        raise ConflictError(
            f"{shown(url)} is in use by a Countersign server. Stop all of them; one that was "
            f"killed is taken for stopped after {SILENT_S:.0f} seconds."
        )


def _require_empty(target: Connection, url: str) -> None:
    full = [t.name for t in _tables() if target.execute(select(t).limit(1)).first() is not None]
    if full:
        raise ConflictError(
            f"{shown(url)} has rows already ({', '.join(full)}). Copy to a new, empty database."
        )


def _copy_table(
    table: Table, source: Connection, target: Connection, tell: Callable[[str, int], None]
) -> int:
    count = 0
    found = source.execute(select(table), execution_options={"yield_per": BATCH})
    for rows in found.mappings().partitions():
        target.execute(table.insert(), [dict(row) for row in rows])
        count += len(rows)
    tell(table.name, count)
    return count


def _continue_numbers(target: Connection, table: Table) -> None:
    """Let the numbers that PostgreSQL hands out go on after the highest that was copied."""
    column = table.autoincrement_column
    if target.dialect.name != "postgresql" or column is None:
        return
    highest = target.execute(select(func.max(column))).scalar()
    if highest is not None:
        of = {"table": table.name, "column": column.name, "highest": highest}
        target.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)"), of)


def _require_same(source: Connection, target: Connection, rows: Mapping[str, int]) -> Verification:
    """Counts as in the source, and every chain as it must be."""
    for table in _tables():
        count = select(func.count()).select_from(table)
        there, here = source.execute(count).scalar_one(), target.execute(count).scalar_one()
        if not there == here == rows[table.name]:
            raise InvalidError(
                f"Nothing was copied: {table.name} has {there} rows in the source and {here} in "
                "the target."
            )
    verification = verify_in(target)
    if not verification.verified:
        raise InvalidError(
            f"Nothing was copied, because the ledger does not verify: {verification.problems[0]}. "
            "`countersign ledger verify` shows everything; restore a backup."
        )
    return verification
