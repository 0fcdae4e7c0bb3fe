"""A whole database to another one, or nothing."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from countersign.approvals.errors import (
    ConfigurationError,
    ConflictError,
    InvalidError,
    UnavailableError,
)
from countersign.approvals.models import PolicyChanged, PolicySource, RequestStatus
from countersign.approvals.store import copying, engine_of, governance
from countersign.approvals.store.copying import copy
from countersign.approvals.store.schema import metadata
from countersign.approvals.store.sqlite_engine import exclusive
from tests.approvals.delivery.test_notices import thread
from tests.doubles import postgres
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.clock import ManualClock
from tests.doubles.database import postgres_store
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import THREAD, World, opened


@pytest.fixture
def target() -> Iterator[str]:
    """A PostgreSQL database without rows."""
    url = postgres.borrow()
    yield url
    postgres.give_back(url)


async def filled(folder: Path) -> tuple[str, Any]:
    """An SQLite database with something in most tables, and a request that waits."""
    async with opened(folder) as world:
        await world.conversations.save(thread())
        run = await world.begun(THREAD)
        for text in ("one", "two"):
            await world.runs.submit(run, [], state=NOTHING_SAID, progress=[text])
        (voted,) = await world.asked("pay")
        await world.vote(voted)
        (waiting,) = await world.asked("quote")
        began = PolicyChanged(before=None, after="v1", source=PolicySource.START, file="c.yaml")
        await world.unit(lambda unit: governance.append(unit, began))
    return f"sqlite:///{folder}/countersign.db", waiting


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything, by table."""
    engine = engine_of(url)
    with engine.connect() as connection:
        found = {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return found


def quietly(source: str, target: str) -> copying.Copied:
    return copy(source, target, tell=lambda table, count: None)


async def test_what_waits_is_approved_after_the_copy(tmp_path: Path, target: str) -> None:
    source, waiting = await filled(tmp_path)
    copied = quietly(source, target)
    async with postgres_store(target) as store:
        world = World(store, RecordingJobs(), ManualClock())
        before = await world.now(waiting.id)
        approved = await world.vote(before)
        run = await world.begun(THREAD)
        await world.runs.submit(run, [], state=NOTHING_SAID, progress=["three"])
        verified = (await world.records.verify()).verified

    assert waiting == before
    assert RequestStatus.APPROVED is approved.status
    assert verified
    assert copied.ledger.entries > 0


async def test_there_and_back_is_the_same(tmp_path: Path, target: str) -> None:
    source, _ = await filled(tmp_path)
    told: list[tuple[str, int]] = []
    copied = copy(source, target, tell=lambda table, count: told.append((table, count)))
    back = f"sqlite:///{tmp_path}/back.db"
    quietly(target, back)

    assert rows(source) == rows(target) == rows(back)
    assert copied.rows == dict(told)
    assert {name: len(found) for name, found in rows(source).items()} == copied.rows


async def test_more_rows_than_fit_in_one_batch(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 2)
    source, _ = await filled(tmp_path)
    quietly(source, target)

    assert rows(source) == rows(target)


async def test_target_without_tables_gets_them(tmp_path: Path) -> None:
    source, _ = await filled(tmp_path)
    target = postgres.empty()
    quietly(source, target)

    assert rows(source) == rows(target)


async def test_target_with_rows_is_refused_and_kept(tmp_path: Path, target: str) -> None:
    source, _ = await filled(tmp_path)
    quietly(source, target)
    before = rows(target)
    with pytest.raises(
        ConflictError, match=r"has rows already \(conversations, governance, sessions"
    ):
        quietly(source, target)

    assert before == rows(target)


async def test_file_in_use_is_refused(tmp_path: Path, target: str) -> None:
    source, _ = await filled(tmp_path)
    with (
        exclusive(tmp_path / "countersign.db"),
        pytest.raises(ConfigurationError, match="in use by another"),
    ):
        quietly(source, target)


@pytest.mark.parametrize("side", ["source", "target"])
async def test_database_with_a_living_server_is_refused(
    tmp_path: Path, target: str, side: str
) -> None:
    file, _ = await filled(tmp_path)
    source = file
    if side == "source":
        quietly(file, target)
        source, target = target, f"sqlite:///{tmp_path}/back.db"
    used = source if side == "source" else target
    with psycopg.connect(used) as connection:
        connection.execute("SELECT procrastinate_register_worker_v1()")
    with pytest.raises(ConflictError, match="in use by a Countersign server"):
        quietly(source, target)
    with psycopg.connect(used) as connection:
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = 'epoch'")
    quietly(source, target)

    assert rows(source) == rows(target)


async def test_older_schema_is_refused(tmp_path: Path, target: str) -> None:
    source, _ = await filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "countersign.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(ConfigurationError, match="Run `countersign db upgrade`"):
        quietly(source, target)


async def test_same_database_is_refused(tmp_path: Path) -> None:
    source, _ = await filled(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be copied to itself"):
        quietly(source, source)


async def test_target_that_is_no_database_is_refused(tmp_path: Path) -> None:
    source, _ = await filled(tmp_path)
    notes = tmp_path / "notes.txt"
    notes.write_text("This is not a database. " * 100)
    with pytest.raises(ConfigurationError, match="Move it away"):
        quietly(source, f"sqlite:///{notes}")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("UPDATE ledger SET body = '{}' WHERE seq = 1", "was changed and cannot be read"),
        ("UPDATE ledger SET body = 'x' WHERE seq = 1", "cannot be read"),
    ],
)
async def test_ledger_that_does_not_verify_is_not_copied(
    tmp_path: Path, target: str, damage: str, problem: str
) -> None:
    source, _ = await filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "countersign.db")) as connection, connection:
        connection.execute(damage)
    with pytest.raises(InvalidError, match=problem):
        quietly(source, target)

    assert not any(rows(target).values())


async def test_text_that_the_target_cannot_hold_stops_the_copy(tmp_path: Path, target: str) -> None:
    source, _ = await filled(tmp_path)
    with closing(sqlite3.connect(tmp_path / "countersign.db")) as connection, connection:
        connection.execute("UPDATE sessions SET task = 'a' || char(0) || 'b'")
    with pytest.raises(UnavailableError, match="Nothing was copied"):
        quietly(source, target)

    assert not any(rows(target).values())


async def test_rows_that_got_lost_are_noticed(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = await filled(tmp_path)
    monkeypatch.setattr(copying, "_copy_table", lambda table, *_: 0)
    with pytest.raises(InvalidError, match="Nothing was copied: conversations has 1 rows"):
        quietly(source, target)


KILLED_IN_THE_MIDDLE = """
import os, signal, sys
from countersign.approvals.store.copying import copy
from tests.doubles.chats import NOTHING_SAID
def tell(table, count):
    if table == "ledger":
        os.kill(os.getpid(), signal.SIGKILL)
copy(sys.argv[1], sys.argv[2], tell=tell)
"""


@pytest.mark.parametrize("to", ["postgresql", "sqlite"])
async def test_copy_that_is_killed_leaves_the_target_empty(
    tmp_path: Path, target: str, to: str
) -> None:
    source, _ = await filled(tmp_path)
    into = target if to == "postgresql" else f"sqlite:///{tmp_path}/new.db"
    argv = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, source, into]
    done = await asyncio.to_thread(subprocess.run, argv, check=False)
    empty = not any(rows(into).values())
    quietly(source, into)

    assert -signal.SIGKILL == done.returncode
    assert empty
    assert rows(source) == rows(into)
