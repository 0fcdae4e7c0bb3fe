"""What only PostgreSQL can do wrong: other processes, lost connections, locks."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from countersign.approvals.errors import ConfigurationError, InvalidError, UnavailableError
from countersign.approvals.ports import Unit
from countersign.approvals.ports.unit import STATEMENTS
from countersign.approvals.store import (
    engine_of,
    open_reader,
    open_store,
    require_current,
    upgrade,
)
from countersign.approvals.store.error_redaction import keep_terse
from countersign.approvals.store.postgres import ATTEMPTS, PostgresStore, connect_arguments
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.revision import HEAD, current_revision
from countersign.approvals.store.schema import conversations, metadata
from countersign.approvals.store.urls import parse, shown
from tests.contracts.test_store import adding, count, keys
from tests.doubles import postgres
from tests.doubles.database import postgres_store

pytestmark = pytest.mark.asyncio
KEYS = Prepared(select(conversations.c.key))


@pytest.fixture
def url() -> Iterator[str]:
    url = postgres.fresh()
    yield url
    postgres.drop(url)


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    async with postgres_store(url) as store:
        yield store


def backend(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def terminate(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


class Once:
    """Fails the first time with a state that PostgreSQL gives, then adds a key."""

    def __init__(self, sqlstate: str, times: int = 1):
        self.sqlstate, self.times, self.ran = sqlstate, times, 0

    def __call__(self, connection: Connection) -> int:
        self.ran += 1
        adding("a")(connection)
        if self.ran <= self.times:
            raising = f"RAISE EXCEPTION 'met' USING ERRCODE = '{self.sqlstate}'"
            connection.execute(text(f"DO $$ BEGIN {raising}; END $$"))
        return self.ran


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
async def test_unit_that_met_another_is_run_again(store: PostgresStore, sqlstate: str) -> None:
    unit = Once(sqlstate)

    assert 2 == await store.write(unit)
    assert ["a"] == await store.read(keys)


async def test_unit_that_always_meets_another_ends_with_come_again(store: PostgresStore) -> None:
    unit = Once("40001", times=1000)
    with pytest.raises(UnavailableError, match="too busy"):
        await store.write(unit)

    assert ATTEMPTS == unit.ran
    assert [] == await store.read(keys)


async def test_two_units_that_wait_for_each_other_both_succeed(store: PostgresStore) -> None:
    await store.write(adding("a"))
    await store.write(adding("b"))

    def touch(connection: Connection, key: str) -> None:
        statement = "UPDATE conversations SET updated_at = updated_at || 'x' WHERE key = :key"
        connection.execute(text(statement), {"key": key})

    def both(first: str, second: str, ready: threading.Event, other: threading.Event) -> object:
        def unit(connection: Connection) -> None:
            touch(connection, first)
            ready.set()
            while not other.is_set():
                connection.execute(text("SELECT pg_sleep(0.005)"))
            touch(connection, second)

        return unit

    one, two = threading.Event(), threading.Event()
    await asyncio.gather(
        store.write(both("a", "b", one, two)),  # type: ignore[arg-type]
        store.write(both("b", "a", two, one)),  # type: ignore[arg-type]
    )
    rows = await store.read(
        lambda c: list(c.execute(text("SELECT updated_at FROM conversations")).scalars())
    )

    assert ["2026xx", "2026xx"] == rows


@pytest.mark.parametrize("ask", [count, KEYS.all], ids=["SQLAlchemy's own", "prepared"])
async def test_connection_lost_before_the_commit_is_replaced(
    url: str, store: PostgresStore, ask: Callable[[Connection], Any]
) -> None:
    seen: list[int] = []

    def unit(connection: Connection) -> None:
        seen.append(backend(connection))
        adding("a")(connection)
        if len(seen) == 1:
            terminate(url, seen[0])
        ask(connection)

    await store.write(unit)

    assert 2 == len(seen)
    assert ["a"] == await store.read(keys)


async def test_connection_lost_during_the_commit_is_said_and_not_repeated(
    url: str, store: PostgresStore
) -> None:
    ran: list[int] = []

    def unit(connection: Connection) -> None:
        ran.append(backend(connection))
        adding("a")(connection)
        terminate(url, ran[-1])

    with pytest.raises(UnavailableError, match="failed"):
        await store.write(unit)

    assert 1 == len(ran)


@pytest.mark.parametrize("ask", [keys, KEYS.all], ids=["SQLAlchemy's own", "prepared"])
async def test_connections_of_a_server_that_was_restarted_are_replaced(
    url: str, store: PostgresStore, ask: Callable[[Connection], Any]
) -> None:
    """All of them at the first that is found lost: a unit is not tried once for each."""
    asked: list[int] = []

    def unit(connection: Connection) -> Any:
        asked.append(1)
        return ask(connection)

    await asyncio.gather(*(store.write(adding(str(n))) for n in range(20)))
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    await store.write(unit)
    found = await asyncio.gather(store.write(unit), store.write(unit))

    assert [20, 20] == [len(list(rows)) for rows in found]
    assert 4 == len(asked)
    assert "late" == await store.write(adding("late"))


@pytest.mark.parametrize("then", [count, lambda _: None], ids=["in it", "before the commit"])
async def test_who_sleeps_in_a_transaction_loses_it(url: str, then: Any) -> None:
    """A frozen process must not keep the others from its rows for ever; it does it once more."""
    separator = "&" if "?" in url else "?"
    short = f"{url}{separator}options=-c%20idle_in_transaction_session_timeout%3D50ms"
    async with postgres_store(short) as store:
        slept: list[int] = []

        def unit(connection: Connection) -> None:
            adding("a")(connection)
            if not slept:
                slept.append(1)
                threading.Event().wait(0.5)  # frozen: says nothing to the database
            then(connection)

        await store.write(unit)

        assert ["a"] == await store.read(keys)


async def test_what_the_database_cannot_hold_is_the_callers_fault(store: PostgresStore) -> None:
    with pytest.raises(InvalidError, match="cannot hold this"):
        await store.write(adding("nul \x00"))


@pytest.mark.parametrize("prepared", [True, False])
async def test_errors_quote_no_row(store: PostgresStore, prepared: bool) -> None:
    """PostgreSQL's DETAIL has the whole row that breaks a constraint, and every error is logged."""
    row = dict.fromkeys(conversations.columns.keys(), "secret") | {"reference": None}
    insert = insertion(conversations)

    def unit(connection: Connection) -> None:
        if prepared:
            insert.run(connection, **row)
        else:
            connection.execute(conversations.insert().values(row))

    with pytest.raises(IntegrityError, match="violates not-null constraint") as raised:
        await store.write(unit)

    assert "secret" not in "".join(traceback.format_exception(raised.value))


async def test_what_ends_a_statement_without_an_error_stays_as_it_is(url: str) -> None:
    engine = create_async_engine(parse(url))
    keep_terse(engine.sync_engine)
    async with engine.connect() as connection:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.execute(text("SELECT pg_sleep(30)"))
    await engine.dispose()


async def test_doorbells_ring_after_the_commit_and_only_then(store: PostgresStore) -> None:
    rung: list[str] = []

    def ringing(unit: Unit, *, fail: bool) -> None:
        unit.after_commit.append(lambda: rung.append("rung"))
        if fail:
            raise InvalidError("no")

    with pytest.raises(InvalidError):
        await store.unit(lambda unit: ringing(unit, fail=True), STATEMENTS)
    await store.unit(lambda unit: ringing(unit, fail=False), STATEMENTS)

    assert ["rung"] == rung


async def test_a_caller_in_another_loop_is_served(store: PostgresStore) -> None:
    async def elsewhere() -> str:
        return await store.write(adding("a"))

    assert "a" == await asyncio.to_thread(asyncio.run, elsewhere())


async def test_too_many_callers_are_told_to_come_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.approvals.store.postgres.POOL_TIMEOUT_S", 0.05)
    store = PostgresStore(url, pool_size=1)
    store.open()
    try:
        slow = asyncio.create_task(store.write(lambda c: c.execute(text("SELECT pg_sleep(1)"))))
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="No connection"):
            await store.write(adding("a"))
        await slow
    finally:
        await store.close()


async def test_who_waits_for_a_connection_has_it_once_it_is_free(url: str) -> None:
    """However many come: each unit has a thread and a connection, and gives both back."""
    store = PostgresStore(url, pool_size=2)
    store.open()
    try:
        await asyncio.gather(*(store.write(adding(f"{n:02}")) for n in range(20)))
        backends = {*await asyncio.gather(*(store.read(backend) for _ in range(20)))}

        assert [f"{n:02}" for n in range(20)] == sorted(await store.read(keys))
        assert len(backends) <= 2
    finally:
        await store.close()


async def test_unit_stands_whose_caller_has_gone(url: str, store: PostgresStore) -> None:
    """Its thread cannot be stopped, and half of it is never kept."""
    begun, go_on = threading.Event(), threading.Event()

    def unit(connection: Connection) -> None:
        begun.set()
        go_on.wait()
        adding("a")(connection)

    caller = asyncio.create_task(store.write(unit))
    await asyncio.to_thread(begun.wait)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await store.close()

    async with open_reader(url) as reader:
        assert ["a"] == await reader.read(keys)


async def test_unit_that_raises_what_no_future_takes_ends_too(store: PostgresStore) -> None:
    def unit(connection: Connection) -> None:
        adding("a")(connection)
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        await store.write(unit)

    assert [] == await store.read(keys)


async def test_loop_goes_on_while_units_wait_for_the_database(store: PostgresStore) -> None:
    """Each of them is in a thread."""
    turns = 0
    asked = asyncio.gather(*(store.read(sleeping) for _ in range(4)))
    while not asked.done():
        await asyncio.sleep(0.001)
        turns += 1
    await asked

    assert turns > 10


def sleeping(connection: Connection) -> None:
    connection.execute(text("SELECT pg_sleep(0.2)"))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_child_that_is_forked_leaves_the_connections_alone(store: PostgresStore) -> None:
    """A tool may fork; what it inherits is not its own to close."""
    before = await store.read(backend)
    if (child := os.fork()) == 0:
        vars(store).clear()
        gc.collect()  # there they are: psycopg closes what it has opened in this process
        os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)

    assert before == await store.read(backend)


async def test_a_reader_cannot_write(url: str) -> None:
    async with open_reader(url) as reader:
        with pytest.raises(UnavailableError, match="reading only"):
            await reader.write(adding("a"))

        assert [] == await reader.read(keys)


async def test_unreachable_database_says_so_without_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with open_store("postgresql://me:hush@127.0.0.1:1/none"):
            raise AssertionError("opened")

    assert "postgresql://127.0.0.1:1/none cannot be used" in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_database_that_went_away_is_unavailable() -> None:
    store = PostgresStore("postgresql://me:hush@127.0.0.1:1/none")
    store.open()
    try:
        with pytest.raises(UnavailableError) as caught:
            await store.read(keys)
    finally:
        await store.close()

    assert "hush" not in str(caught.value)


async def test_server_refuses_an_old_schema_and_names_the_command() -> None:
    url = postgres.empty()
    with pytest.raises(ConfigurationError, match="countersign db upgrade"):
        async with open_store(url):
            raise AssertionError("opened")
    upgrade(url)
    async with open_store(url) as store:
        assert [] == await store.read(keys)


async def test_several_that_upgrade_at_once_all_succeed() -> None:
    url = postgres.empty()
    await asyncio.gather(*(asyncio.to_thread(upgrade, url) for _ in range(3)))

    require_current(url)


async def test_newer_schema_is_refused(url: str) -> None:
    engine = engine_of(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigurationError, match="newer Countersign"):
        upgrade(url)


async def test_every_text_column_sorts_by_bytes_and_has_no_length(url: str) -> None:
    engine = engine_of(url)
    with engine.connect() as connection:
        revision = current_revision(engine)
        others = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND table_name = ANY(:ours) "
                "AND data_type IN ('text', 'character varying') "
                "AND (collation_name IS DISTINCT FROM 'C' OR data_type <> 'text')"
            ),
            {"ours": list(metadata.tables)},
        ).all()
    engine.dispose()

    assert [] == others
    assert HEAD == revision


async def test_options_of_the_url_come_last_and_win() -> None:
    parsed = parse("postgres://u:p@h/d?options=-c%20lock_timeout%3D1s&connect_timeout=3")
    arguments = connect_arguments(parsed)

    assert str(arguments["options"]).endswith("-c lock_timeout=1s")
    assert "connect_timeout" not in arguments
    assert "postgresql://h/d" == shown("postgres://u:p@h/d")


async def test_closed_store_says_so(url: str) -> None:
    store = PostgresStore(url)
    with pytest.raises(UnavailableError, match="closed"):
        await store.read(keys)
    await store.close()
