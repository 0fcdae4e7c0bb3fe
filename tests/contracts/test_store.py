"""The contract of `approvals.ports.Store`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.store.schema import conversations
from tests.contracts.stores import Implementation

pytestmark = pytest.mark.asyncio


class Suspended(BaseException):
    """Not an Exception, as the signal by which a chat is suspended."""


def adding(key: str) -> Callable[[Connection], str]:
    def unit(connection: Connection) -> str:
        connection.execute(
            insert(conversations).values(
                key=key, channel="teams", kind="personal", reference="{}", updated_at="2026"
            )
        )
        return key

    return unit


def held(connection: Connection, event: threading.Event) -> None:
    """Stay in the unit until `event`. On PostgreSQL a unit runs in the loop's own thread and lets
    others run only while it waits for the database."""
    while connection.dialect.name == "postgresql" and not event.is_set():
        connection.execute(text("SELECT pg_sleep(0.005)"))
    event.wait(10)


def keys(connection: Connection) -> list[str]:
    query = select(conversations.c.key).order_by(conversations.c.key)
    return [row[0] for row in connection.execute(query)]


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(conversations)).scalar_one())


async def test_write_returns_the_value_of_its_unit_and_is_seen(store: Any) -> None:
    returned = await store.write(adding("a"))

    assert "a" == returned
    assert ["a"] == await store.read(keys)


async def test_no_error_repeats_what_was_to_be_stored_or_asked_for(store: Any) -> None:
    """It ends in the log, or in an answer: arguments, comments and tokens may stand in rows."""
    private = "".join(["no", "body's", "business"])

    def unit(connection: Connection) -> None:
        connection.execute(text("SELECT nothing FROM sessions WHERE id = :of"), {"of": private})

    for way in (store.write, store.read):
        with pytest.raises((DBAPIError, UnavailableError)) as caught:
            await way(unit)

        assert private not in "".join(traceback.format_exception(caught.value))


async def test_exception_undoes_all_of_a_unit_and_is_raised(store: Any) -> None:
    def unit(connection: Connection) -> None:
        adding("a")(connection)
        adding("b")(connection)
        raise NotFoundError("gone")

    with pytest.raises(NotFoundError, match="gone"):
        await store.write(unit)

    assert [] == await store.read(keys)


async def test_failing_units_take_nobody_with_them(store: Any) -> None:
    def failing(connection: Connection) -> None:
        adding(f"failed-{threading.get_ident()}")(connection)
        raise NotFoundError("gone")

    def duplicate(connection: Connection) -> None:
        adding("twice")(connection)
        adding("twice")(connection)

    units = [
        unit for n in range(40) for unit in (adding(f"good-{n:02}"), failing, adding(f"too-{n:02}"))
    ] + [duplicate]
    outcomes = await asyncio.gather(*(store.write(u) for u in units), return_exceptions=True)
    stored = await store.read(keys)

    assert sorted(o for o in outcomes if isinstance(o, str)) == stored
    assert 80 == len(stored)
    assert [NotFoundError] * 40 == [type(o) for o in outcomes if isinstance(o, NotFoundError)]
    assert isinstance(outcomes[-1], IntegrityError)


@pytest.mark.parametrize("failure", [asyncio.CancelledError, Suspended, StopIteration])
async def test_no_exception_of_a_unit_stops_the_store(
    store: Any, failure: type[BaseException]
) -> None:
    def unit(connection: Connection) -> None:
        adding("a")(connection)
        raise failure

    async def others() -> list[Any]:
        return list(await asyncio.gather(*(store.write(adding(f"b{n}")) for n in range(3))))

    async with asyncio.timeout(10):
        failed: object
        failed, *_ = await asyncio.gather(store.write(unit), others(), return_exceptions=True)
        stored = await store.read(keys)

    assert isinstance(failed, BaseException)
    assert ["b0", "b1", "b2"] == stored


async def test_reader_sees_one_snapshot(store: Any) -> None:
    reading, written = threading.Event(), threading.Event()

    def unit(connection: Connection) -> tuple[int, int]:
        before = count(connection)
        reading.set()
        held(connection, written)
        return before, count(connection)

    reader = asyncio.create_task(store.read(unit))
    await asyncio.to_thread(reading.wait, 10)
    await store.write(adding("a"))
    written.set()

    assert (0, 0) == await reader
    assert 1 == await store.read(count)


async def test_reader_never_sees_half_a_unit(store: Any) -> None:
    half, seen = threading.Event(), threading.Event()

    def unit(connection: Connection) -> None:
        adding("a")(connection)
        half.set()
        held(connection, seen)
        adding("b")(connection)

    writer = asyncio.create_task(store.write(unit))
    await asyncio.to_thread(half.wait, 10)
    during = await store.read(keys)
    seen.set()
    await writer

    assert [] == during
    assert ["a", "b"] == await store.read(keys)


async def test_reading_cannot_write(store: Any) -> None:
    with pytest.raises(UnavailableError):
        await store.read(adding("a"))

    assert [] == await store.read(keys)


async def test_cancelled_caller_does_not_undo_its_unit(store: Any) -> None:
    started, go_on = threading.Event(), threading.Event()

    def unit(connection: Connection) -> None:
        started.set()
        held(connection, go_on)
        adding("a")(connection)

    caller = asyncio.create_task(store.write(unit))
    await asyncio.to_thread(started.wait, 10)
    caller.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await caller
    go_on.set()
    await store.write(adding("b"))
    # PostgreSQL writes both at the same time
    while "a" not in await store.read(keys):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)

    assert ["a", "b"] == await store.read(keys)


async def test_closing_finishes_what_was_asked_for(
    implementation: Implementation, tmp_path: Path
) -> None:
    async with implementation.open(tmp_path) as store:
        writes = [asyncio.create_task(store.write(adding(f"{n:03}"))) for n in range(200)]
        await asyncio.sleep(0)
        await store.close()
        written = await asyncio.gather(*writes)
        with pytest.raises(UnavailableError, match="shutting down"):
            await store.write(adding("late"))
    async with implementation.open(tmp_path) as store:
        stored = await store.read(keys)

    assert sorted(written) == stored
    assert 200 == len(stored)


WRITER = """
import asyncio, sys
from countersign.approvals.store import open_store
from tests.contracts.test_store import adding

async def main():
    async with open_store(sys.argv[1]) as store:
        async def one(worker):
            for n in range(100_000):
                key = await store.write(adding(f"{worker}-{n}"))
                print(key, flush=True)
        await asyncio.gather(*(one(w) for w in range(16)))

asyncio.run(main())
"""


def acknowledged_before_kill(url: str, *, after: int) -> list[str]:
    """What a writing process had heard of when it was killed."""
    heard = []
    with Popen([sys.executable, "-c", WRITER, url], stdout=PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            heard.append(line.rstrip("\n"))
            if len(heard) == after:
                writer.send_signal(signal.SIGKILL)
        assert -signal.SIGKILL == writer.wait()
    return heard[:-1]  # the last line may be cut


async def test_kill_9_loses_nothing_that_was_acknowledged(
    implementation: Implementation, tmp_path: Path
) -> None:
    url = implementation.url(tmp_path)
    acknowledged = await asyncio.to_thread(acknowledged_before_kill, url, after=300)
    async with implementation.open(tmp_path) as store:
        stored = set(await store.read(keys))

    assert len(acknowledged) >= 299
    assert set() == set(acknowledged) - stored
