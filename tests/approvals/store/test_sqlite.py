"""What only SQLite can do wrong."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from countersign.approvals.errors import ConfigurationError, NotFoundError, UnavailableError
from countersign.approvals.ports import Unit
from countersign.approvals.ports.unit import STATEMENTS
from countersign.approvals.store import open_store
from countersign.approvals.store.prepared import run
from countersign.approvals.store.sqlite import SqliteStore
from tests.contracts.test_store import adding, count, keys
from tests.doubles.database import fresh_database, sqlite_store

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with sqlite_store(fresh_database(tmp_path)) as store:
        yield store


def ringing(key: str, rung: list[str]) -> Callable[[Unit], str]:
    def work(unit: Unit) -> str:
        unit.after_commit.append(lambda: rung.append(key))
        return adding(key)(unit.connection)

    return work


def pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


async def test_commits_survive_a_power_cut_and_keys_are_enforced(store: SqliteStore) -> None:
    full = 2

    assert full == await store.write(lambda c: pragma(c, "synchronous"))
    assert "wal" == await store.write(lambda c: pragma(c, "journal_mode"))
    assert 1 == await store.write(lambda c: pragma(c, "foreign_keys"))
    assert 1 == await store.read(lambda c: pragma(c, "query_only"))


async def test_units_see_what_units_before_them_wrote(store: SqliteStore) -> None:
    def unit(connection: Connection) -> int:
        before = count(connection)
        adding(f"key-{before}")(connection)
        return before

    seen = await asyncio.gather(*(store.write(unit) for _ in range(100)))

    assert list(range(100)) == sorted(seen)


async def test_waiting_units_share_a_commit(store: SqliteStore) -> None:
    commits: list[int] = []
    event.listen(store._writer, "commit", lambda _: commits.append(1))
    await asyncio.gather(*(store.write(adding(f"{n}")) for n in range(128)))

    assert len(commits) < 10


async def test_failed_commit_tells_nobody_that_it_worked(store: SqliteStore) -> None:
    rung: list[str] = []
    failing = threading.Event()
    failing.set()

    def commit(_: Connection) -> None:
        if failing.is_set():
            raise sqlite3.OperationalError("disk I/O error")

    event.listen(store._writer, "commit", commit)
    outcomes = await asyncio.gather(
        *(store.unit(ringing(f"{n}", rung), STATEMENTS) for n in range(20)), return_exceptions=True
    )

    assert all(isinstance(outcome, UnavailableError) for outcome in outcomes)
    assert "cannot be written" in str(outcomes[0])
    assert (0, []) == (await store.read(count), rung)
    failing.clear()
    await store.unit(ringing("later", rung), STATEMENTS)

    assert (["later"], ["later"]) == (await store.read(keys), rung)


async def test_commits_that_fail_are_logged_once_and_their_recovery_once(
    store: SqliteStore,
) -> None:
    failing = threading.Event()
    failing.set()

    def commit(_: Connection) -> None:
        if failing.is_set():
            raise sqlite3.OperationalError("disk I/O error")

    event.listen(store._writer, "commit", commit)
    with capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(UnavailableError):
                await store.unit(ringing("a", []), STATEMENTS)
        failing.clear()
        await store.unit(ringing("a", []), STATEMENTS)
        await store.unit(ringing("b", []), STATEMENTS)

    assert ["store unreachable", "store reachable again"] == [line["event"] for line in logged]


async def test_full_disk_is_told_and_passes(store: SqliteStore) -> None:
    def limit(connection: Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    await store.write(lambda c: limit(c, 1))
    big = "x" * 50_000
    with pytest.raises(UnavailableError, match="full"):
        await store.write(adding(big))
    await store.write(lambda c: limit(c, 1_000_000))

    assert big == await store.write(adding(big))


async def test_writer_that_finds_the_file_locked_is_told(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    async with sqlite_store(path) as store:
        event.listen(
            store._writer,
            "connect",
            lambda connection, _: connection.execute("PRAGMA busy_timeout=10"),
        )
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(UnavailableError, match="locked"):
                await store.write(adding("a"))
            other.execute("ROLLBACK")

        assert "a" == await store.write(adding("a"))


async def test_unit_that_meets_a_database_error_is_told_alone(store: SqliteStore) -> None:
    broken, good = await asyncio.gather(
        store.write(lambda c: c.exec_driver_sql("SELECT * FROM nowhere")),
        store.write(adding("good")),
        return_exceptions=True,
    )

    assert isinstance(broken, UnavailableError)
    assert "nowhere" in str(broken)
    assert "good" == good


async def test_broken_rule_of_the_schema_is_raised_as_it_is(store: SqliteStore) -> None:
    await store.write(adding("a"))

    with pytest.raises(IntegrityError):
        await store.write(adding("a"))


def ending(connection: Connection) -> None:
    """What SQLite does by itself when, for example, the disk is full."""
    adding("lost")(connection)
    connection.exec_driver_sql("ROLLBACK")


def ending_unnoticed(connection: Connection) -> None:
    """As `ending`, without a statement of SQLAlchemy's."""
    run(connection, "ROLLBACK")


@pytest.mark.parametrize("unit", [ending, ending_unnoticed])
async def test_transaction_that_has_ended_is_not_taken_for_a_commit(
    store: SqliteStore, unit: Callable[[Connection], None]
) -> None:
    with pytest.raises(UnavailableError, match=r"ended before its commit|no transaction is active"):
        await store.write(unit)

    assert "a" == await store.write(adding("a"))
    assert ["a"] == await store.read(keys)


async def test_failing_unit_of_prepared_statements_is_undone(store: SqliteStore) -> None:
    def unit(connection: Connection) -> None:
        run(connection, "INSERT INTO polls (channel, next_at, failures) VALUES ('jira', '', 0)")
        raise NotFoundError("gone")

    with pytest.raises(NotFoundError):
        await store.write(unit)

    assert [] == await store.read(lambda c: run(c, "SELECT * FROM polls").fetchall())
    assert "a" == await store.write(adding("a"))


async def test_units_of_a_transaction_that_has_ended_are_all_told(store: SqliteStore) -> None:
    rung: list[str] = []
    first: Any = store.unit(ringing("first", rung), STATEMENTS)  # alone, while the others queue up
    outcomes = await asyncio.gather(
        first,
        *(store.unit(ringing(f"{n}", rung), STATEMENTS) for n in range(5)),
        store.write(ending),
        return_exceptions=True,
    )
    told = [o for o in outcomes if isinstance(o, str)]

    assert isinstance(outcomes[-1], UnavailableError)
    assert sorted(told) == await store.read(keys) == sorted(rung)


async def test_writer_survives_a_connection_that_cannot_be_made(tmp_path: Path) -> None:
    async with sqlite_store(fresh_database(tmp_path)) as store:
        refusing = threading.Event()
        refusing.set()

        def refuse(*_: object) -> None:
            if refusing.is_set():
                raise sqlite3.OperationalError("unable to open database file")

        event.listen(store._writer, "connect", refuse)
        with pytest.raises(UnavailableError, match="unable to open"):
            await store.write(adding("a"))
        refusing.clear()

        assert "a" == await store.write(adding("a"))


async def test_damaged_file_is_reported_as_unreadable(tmp_path: Path) -> None:
    path = fresh_database(tmp_path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    async with sqlite_store(path) as store:
        with pytest.raises(UnavailableError, match="cannot be read"):
            await store.read(count)
        with pytest.raises(UnavailableError):
            await store.write(adding("a"))


async def test_doorbell_that_fails_leaves_nobody_waiting(store: SqliteStore) -> None:
    def broken() -> None:
        raise IndexError

    def failing(unit: Unit) -> str:
        unit.after_commit.append(broken)
        return adding("a")(unit.connection)

    async with asyncio.timeout(10):
        done = await asyncio.gather(store.unit(failing, STATEMENTS), store.write(adding("b")))

    assert ["a", "b"] == list(done)


async def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    async with sqlite_store(fresh_database(tmp_path)) as store:
        await store.close()
        await store.close()


def _write_from_a_loop_that_ends(store: SqliteStore) -> None:
    """Leave a unit behind whose loop is closed before the unit is done."""
    go_on = threading.Event()

    def unit(connection: Connection) -> None:
        go_on.wait(10)
        adding("orphan")(connection)

    loop = asyncio.new_event_loop()
    task = loop.create_task(store.write(unit))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    go_on.set()


async def test_caller_whose_loop_has_ended_does_not_stop_the_writer(store: SqliteStore) -> None:
    await asyncio.to_thread(_write_from_a_loop_that_ends, store)
    await store.write(adding("a"))

    assert ["a", "orphan"] == await store.read(keys)


async def test_closed_store_cannot_be_read(tmp_path: Path) -> None:
    async with sqlite_store(fresh_database(tmp_path)) as store:
        await store.close()
        with pytest.raises(UnavailableError, match="shutting down"):
            await store.read(keys)


async def test_a_python_with_an_old_sqlite_is_refused_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))

    with pytest.raises(ConfigurationError, match=r"3\.35 or newer is needed"):
        async with open_store(f"sqlite:///{tmp_path}/countersign.db"):
            pass
