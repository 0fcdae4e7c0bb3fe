"""Fresh databases in a millisecond: copies of one that was migrated once."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from countersign.approvals import store
from countersign.approvals.store import upgrade
from countersign.approvals.store.postgres import PostgresStore
from countersign.approvals.store.sqlite import SqliteStore
from countersign.approvals.store.urls import sqlite_path
from tests.doubles import postgres
from tests.doubles.transactions import watched

if TYPE_CHECKING:
    import pytest


@functools.cache
def _template() -> bytes:
    folder = Path(tempfile.mkdtemp(prefix="countersign-template-"))
    try:
        path = folder / "template.db"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()
    finally:
        shutil.rmtree(folder)


def fresh_database(folder: Path, name: str = "countersign.db") -> Path:
    """An empty database on the current schema."""
    path = folder / name
    path.write_bytes(_template())
    return path


def sqlite_url(folder: Path, name: str = "countersign.db") -> str:
    """The URL of the database in `folder`, made now if there is none: opening it migrates nothing,
    which takes a third of a second."""
    path = folder / name
    return f"sqlite:///{path if path.exists() else fresh_database(folder, name)}"


def migrate_by_copying(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that finds no SQLite file begins on such a copy, not on an empty one; it still looks
    whether there is anything to migrate."""
    migrated, upgrade_one = _template(), store._upgrade

    def upgraded(engine: Engine, url: str) -> None:
        path = sqlite_path(url)
        if not path.exists() or not path.stat().st_size:
            path.write_bytes(migrated)
        upgrade_one(engine, url)

    monkeypatch.setattr(store, "_upgrade", upgraded)


@asynccontextmanager
async def sqlite_store(path: Path) -> AsyncIterator[SqliteStore]:
    """The store on a database that is on the current schema already."""
    opened = watched(SqliteStore(path))
    opened.open()
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def postgres_store(url: str) -> AsyncIterator[PostgresStore]:
    """The store on a PostgreSQL database that is on the current schema already."""
    opened = watched(PostgresStore(url))
    opened.open()
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def empty_store(folder: Path, database: str) -> AsyncIterator[SqliteStore | PostgresStore]:
    """A store without rows on `sqlite` or `postgresql`."""
    if database == "sqlite":
        async with sqlite_store(fresh_database(folder)) as file:
            yield file
        return
    url = postgres.borrow()
    async with postgres_store(url) as shared:
        yield shared
    postgres.give_back(url)
