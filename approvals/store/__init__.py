"""Opens the store that a URL names, on the schema that this version expects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.store.revision import HEAD, KNOWN, current_revision
from countersign.approvals.store.sqlite import SqliteReader, SqliteStore
from countersign.approvals.store.sqlite_engine import exclusive, sqlite_engine
from countersign.approvals.store.urls import is_postgresql, shown, sqlite_path

if TYPE_CHECKING:
    from countersign.approvals.store.postgres import PostgresStore

# Imported where they are used: `approvals.store.postgres` and `approvals.store.migrate`, which take
# a fifth of the time in which a server on SQLite starts, and are not needed there.
AnyStore: TypeAlias = "SqliteStore | PostgresStore"
AnyReader: TypeAlias = "SqliteReader | PostgresStore"
CLI_POOL = 2


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[AnyStore]:
    """The store of a server. An SQLite file is for this process alone, and is upgraded to the
    current schema; a PostgreSQL database is shared and has to be on it.

    Raises ConfigurationError if it cannot be used: it names the database and the fix.
    """
    if is_postgresql(url):
        require_current(url)
        async with _postgres(url) as store:
            yield store
        return
    path = sqlite_path(url)
    with exclusive(_usable(path)):
        _upgrade(sqlite_engine(path), url)
        file = SqliteStore(path, roomy_log=True)
        file.open()
        try:
            yield file
        finally:
            await file.close()


@asynccontextmanager
async def open_reader(url: str) -> AsyncIterator[AnyReader]:
    """Read a database that servers may be using now.

    Raises ConfigurationError if there is none, or if it is not on the current schema.
    """
    if is_postgresql(url):
        require_current(url)
        async with _postgres(url, pool_size=CLI_POOL, read_only=True) as store:
            yield store
        return
    path = sqlite_path(url)
    if not path.is_file():
        raise ConfigurationError(
            f"There is no database {path}. Start the server once, or set COUNTERSIGN_DATABASE_URL."
        )
    require_current(url)
    reader = SqliteReader(path)
    try:
        yield reader
    finally:
        await reader.close()


@asynccontextmanager
async def _postgres(url: str, **options: Any) -> AsyncIterator[PostgresStore]:
    from countersign.approvals.store.postgres import PostgresStore

    store = PostgresStore(url, **options)
    store.open()
    try:
        yield store
    finally:
        await store.close()


def engine_of(url: str) -> Engine:
    """A synchronous engine on the database, for work apart from a server; dispose of it.

    Raises ConfigurationError.
    """
    if is_postgresql(url):
        return _sync_engine(url)
    return sqlite_engine(sqlite_path(url))


def _sync_engine(url: str) -> Engine:
    from countersign.approvals.store.postgres import sync_engine

    return sync_engine(url)


def require_current(url: str) -> None:
    """Raise ConfigurationError unless the database has the schema of this version."""
    engine = (
        _sync_engine(url) if is_postgresql(url) else sqlite_engine(sqlite_path(url), read_only=True)
    )
    try:
        revision = current_revision(engine)
    except DatabaseError as exc:
        raise ConfigurationError([_unusable(url, exc)]) from exc
    finally:
        engine.dispose()
    if revision is not None and revision not in KNOWN:
        raise ConfigurationError(
            f"{shown(url)} has schema {revision}, which this version does not know. "
            "Install the newer Countersign that wrote it."
        )
    if revision != HEAD:
        raise ConfigurationError(
            f"{shown(url)} has schema {revision or 'none'}, this version needs {HEAD}. "
            "Run `countersign db upgrade`."
        )


def upgrade(url: str) -> None:
    """Bring the database to the current schema; creates an SQLite file. Raises ConfigurationError,
    also while a server uses that file."""
    if is_postgresql(url):
        _upgrade(_sync_engine(url), url)
        return
    path = _usable(sqlite_path(url))
    with exclusive(path):
        _upgrade(sqlite_engine(path), url)


def _upgrade(engine: Engine, url: str) -> None:
    try:
        if current_revision(engine) != HEAD:
            from countersign.approvals.store.migrate import upgrade_engine

            upgrade_engine(engine)
    except DatabaseError as exc:
        raise ConfigurationError([_unusable(url, exc)]) from exc
    finally:
        engine.dispose()


def _unusable(url: str, exc: DatabaseError) -> str:
    why = str(exc.orig).strip().partition("\n")[0]
    if is_postgresql(url):
        return (
            f"{shown(url)} cannot be used ({why}). Check that it runs, that the database exists "
            "and that the role of COUNTERSIGN_DATABASE_URL may create tables in it."
        )
    return (
        f"{shown(url)} is not a usable Countersign database ({why}). Move it away, or set "
        "COUNTERSIGN_DATABASE_URL to another file."
    )


def _usable(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b"):
            pass
    except OSError as exc:
        raise ConfigurationError(
            f"{path} cannot be opened for writing ({exc.strerror}). Check the permissions, or "
            "set COUNTERSIGN_DATABASE_URL to another file."
        ) from exc
    return path
