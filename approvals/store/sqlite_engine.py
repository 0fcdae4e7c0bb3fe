"""The SQLite file: engines on it, and the lock of the one process that may write."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store.prepared import run

BUSY_TIMEOUT_MS = 5000
CHECKPOINT_PAGES = 2000
"""Pages of 4 KiB in the write-ahead log before they are copied into the file: twice SQLite's own,
because every session changes the same pages again and again."""
CACHE_KIB = 8 * 1024
"""Of the writer."""
OLDEST = (3, 35, 0)
"""The first SQLite with RETURNING: https://www.sqlite.org/lang_returning.html (read 2026-11-25)."""


def sqlite_engine(path: Path, *, read_only: bool = False, pool_size: int = 1) -> Engine:
    """An engine whose transactions start as `BEGIN IMMEDIATE` (writer) or `BEGIN` (reader).

    Raises ConfigurationError if this Python's SQLite is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise ConfigurationError(
            f"This Python has SQLite {sqlite3.sqlite_version}; 3.35 or newer is needed. Use "
            "another Python, or PostgreSQL: set COUNTERSIGN_DATABASE_URL."
        )
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not driver(connection).in_transaction:  # the writer has begun it already
            run(connection, begin)

    return engine


@contextmanager
def exclusive(path: Path) -> Iterator[TextIO]:
    """Hold the database for this process: a second server on one file would break the lease
    rule that a process which is gone holds nothing. Raises ConfigurationError if it is taken.

    A link to the file is the file. One with two names is refused: each name would have a lock and a
    write-ahead log of its own. Source: https://www.sqlite.org/howtocorrupt.html, "Multiple links to
    the same file" (read 2026-11-30).
    """
    path = path.resolve()
    if path.exists() and path.stat().st_nlink > 1:
        raise ConfigurationError(
            f"{path} has another name as well (a hard link), under which another process could "
            "write to it unseen. Remove that name, or copy the file with VACUUM INTO instead."
        )
    try:
        lock = path.with_name(path.name + ".lock").open("a+")
    except OSError as exc:
        raise ConfigurationError(
            f"{exc.filename} cannot be opened for writing ({exc.strerror}). Check the permissions "
            "of its folder, or set COUNTERSIGN_DATABASE_URL to another file."
        ) from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        lock.close()
        raise ConfigurationError(
            f"{path} is in use by another Countersign process; stop it, or set "
            "COUNTERSIGN_DATABASE_URL to another file."
        ) from exc
    try:
        yield lock
    finally:
        lock.close()


def driver(connection: Connection) -> Any:
    """The connection of `sqlite3` itself."""
    return connection.connection.dbapi_connection
