"""The implementations of `approvals.ports.Store` that the contract is run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign.approvals.ports import Store
from tests.doubles import postgres
from tests.doubles.database import fresh_database, postgres_store, sqlite_store


@dataclass(frozen=True)
class Implementation:
    """How the suite opens a store on the current schema; opening again finds the same rows."""

    name: str
    open: Callable[[Path], AbstractAsyncContextManager[Any]]
    """Yields a Store with `close()`."""
    url: Callable[[Path], str]
    """What another process opens it by."""


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Store]:
    path = folder / "countersign.db"
    if not path.exists():
        fresh_database(folder)
    async with sqlite_store(path) as store:
        yield store


def _postgresql_url(folder: Path) -> str:
    mark = folder / "postgresql.url"
    if not mark.exists():
        mark.write_text(postgres.fresh())
    return mark.read_text()


@asynccontextmanager
async def _postgresql(folder: Path) -> AsyncIterator[Store]:
    async with postgres_store(_postgresql_url(folder)) as store:
        yield store


SQLITE = Implementation("sqlite", _sqlite, lambda folder: f"sqlite:///{folder}/countersign.db")
POSTGRESQL = Implementation("postgresql", _postgresql, _postgresql_url)
IMPLEMENTATIONS = (SQLITE, POSTGRESQL)
