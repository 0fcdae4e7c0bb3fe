"""Opens the store that a URL names, on the schema that this version expects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from approvals.errors import ConfigurationError
from approvals.store.migrate import current_revision, head_revision, upgrade_engine
from approvals.store.sqlite import SqliteReader, SqliteStore, exclusive, sqlite_engine


def sqlite_path(url: str) -> Path:
    """The file of an `sqlite:///…` URL. Raises ConfigurationError for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError as exc:
        raise ConfigurationError([_bad_url(url)]) from exc
    if parsed.get_backend_name() != "sqlite" or parsed.database in (
        None,
        "",
        ":memory:",
    ):
        raise ConfigurationError([_bad_url(url)])
    return Path(str(parsed.database)).expanduser().resolve()


def _bad_url(url: str) -> str:
    scheme = url.split(":", 1)[0]
    return (
        f"COUNTERSIGN_DATABASE_URL: {scheme}:… is not supported; "
        "use a file, for example sqlite:///./countersign.db"
    )


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[SqliteStore]:
    """The store, for this process alone, upgraded to the current schema.

    Raises ConfigurationError if the file cannot be used: it names the file and the fix.
    """
    path = sqlite_path(url)
    with exclusive(_usable(path)):
        _upgrade(path)
        store = SqliteStore(path)
        store.open()
        try:
            yield store
        finally:
            await store.close()


@asynccontextmanager
async def open_reader(url: str) -> AsyncIterator[SqliteReader]:
    """Read a database that a server may be using now.

    Raises ConfigurationError if there is none, or if it is not on the current schema.
    """
    path = sqlite_path(url)
    if not path.is_file():
        raise ConfigurationError(
            f"There is no database {path}. Start the server once, or set COUNTERSIGN_DATABASE_URL."
        )
    reader = SqliteReader(path)
    try:
        require_current(reader.engine, path)
        yield reader
    finally:
        await reader.close()


def require_current(engine: Engine, path: Path) -> None:
    """Raise ConfigurationError unless the database has the schema of this version."""
    try:
        revision = current_revision(engine)
    except DatabaseError as exc:
        raise ConfigurationError([_unusable(path, exc)]) from exc
    if revision != head_revision():
        raise ConfigurationError(
            f"{path} has schema {revision or 'none'}, this version needs {head_revision()}. "
            "Run `countersign db upgrade`."
        )


def upgrade(url: str) -> None:
    """Bring the database to the current schema; creates the file. Raises ConfigurationError, also
    while a server uses it."""
    path = _usable(sqlite_path(url))
    with exclusive(path):
        _upgrade(path)


def _upgrade(path: Path) -> None:
    engine: Engine = sqlite_engine(path)
    try:
        upgrade_engine(engine)
    except DatabaseError as exc:
        raise ConfigurationError([_unusable(path, exc)]) from exc
    finally:
        engine.dispose()


def _unusable(path: Path, exc: DatabaseError) -> str:
    return (
        f"{path} is not a usable Countersign database ({exc.orig}). Move it away, or set "
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
