"""Several processes on one PostgreSQL database: what they share, and what the death of one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from approvals.follow_up import RUN
from approvals.jobs import procrastinate
from approvals.jobs.procrastinate import MAX_SKEW_S, SILENT_S, ProcrastinateJobs
from approvals.store import doorbells
from tests.doubles import postgres
from tests.doubles.clock import START, ManualClock
from tests.doubles.jobs_at_work import Handler, at_work, heard, ring, sharing
from tests.doubles.world import RULES, World

FINISH = "SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)"


@pytest.fixture
def url() -> Any:
    """A database without rows, on which nobody has swept yet."""
    url = postgres.borrow()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE job_engine SET swept_at = 'epoch'")
    yield url
    postgres.give_back(url)


@pytest_asyncio.fixture
async def world(url: str) -> AsyncIterator[World]:
    """One process, not yet at work."""
    async with sharing(url) as world:
        yield world


async def sql(world: World, statement: str, **values: Any) -> list[Any]:
    """The first column of what a statement gives."""

    def unit(connection: Any) -> list[Any]:
        found = connection.execute(text(statement), values)
        return [row[0] for row in found] if found.returns_rows else []

    return await world.store.write(unit)


async def until_it_hears(jobs: Any) -> None:
    """Wait until its worker lives, as far as the database knows."""
    while jobs._deaf_since is not None:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)


async def taken_by_somebody(world: World, row: str, *, silent_s: float) -> int:
    """A doorbell that a worker has taken which was last heard of so long ago."""
    await ring(world, row)
    (number,) = await sql(
        world,
        "INSERT INTO procrastinate_workers (last_heartbeat) "
        "VALUES (clock_timestamp() - make_interval(secs => :silent_s)) RETURNING id",
        silent_s=silent_s,
    )
    await sql(
        world,
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :number "
        "WHERE args ->> 'id' = :row",
        number=number,
        row=row,
    )
    return int(number)


async def test_each_doorbell_is_heard_by_one_process(url: str) -> None:
    handlers = Handler(), Handler()
    rows = [f"row-{number}" for number in range(40)]
    async with AsyncExitStack() as stack:
        worlds = [await stack.enter_async_context(sharing(url)) for _ in handlers]
        for world, handler in zip(worlds, handlers, strict=True):
            world.jobs.handle("bell", handler)
            await stack.enter_async_context(at_work(world))
        await asyncio.gather(*(ring(worlds[0], row) for row in rows))
        await worlds[1].jobs.settle()  # type: ignore[attr-defined]
        await worlds[0].jobs.settle()  # type: ignore[attr-defined]

    assert sorted(rows) == sorted(handlers[0].calls + handlers[1].calls)


async def test_many_doorbells_are_heard_with_few_statements_and_once_each(url: str) -> None:
    handlers = Handler(), Handler()
    rows = [f"row-{number}" for number in range(300)]
    async with AsyncExitStack() as stack:
        worlds = [await stack.enter_async_context(sharing(url)) for _ in handlers]
        await asyncio.gather(*(ring(worlds[0], row) for row in rows))
        for world, handler in zip(worlds, handlers, strict=True):
            world.jobs.handle("bell", handler)
            await stack.enter_async_context(at_work(world))
        for world in worlds:
            await world.jobs.settle()  # type: ignore[attr-defined]
        (events,) = await sql(worlds[0], "SELECT last_value FROM procrastinate_events_id_seq")
        one_by_one = events - len(rows)  # each has one event when it comes, and one when fetched

    assert sorted(rows) == sorted(handlers[0].calls + handlers[1].calls)
    assert one_by_one < len(rows) / 2


async def test_taking_many_leaves_what_others_have(world: World) -> None:
    for row in ("first", "second", "third"):
        await ring(world, row)
    await sql(world, "UPDATE procrastinate_jobs SET status = 'doing' WHERE args ->> 'id' = 'first'")
    await sql(
        world, "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('theirs', 'task')"
    )
    some = await world.store.write(lambda c: doorbells.take(c, limit=1))
    rest = await world.store.write(lambda c: doorbells.take(c, limit=50))
    left = await sql(world, "SELECT args ->> 'id' FROM procrastinate_jobs ORDER BY id")

    assert ["second"] == [one.id for one in some]
    assert ["third"] == [one.id for one in rest]
    assert ["first", None] == left


async def test_only_one_process_sweeps_at_a_time(url: str) -> None:
    handlers = Handler(), Handler()
    async with AsyncExitStack() as stack:
        worlds = [await stack.enter_async_context(sharing(url, sweep_every_s=60)) for _ in handlers]
        session = await worlds[0].start()
        await sql(worlds[0], "DELETE FROM procrastinate_jobs")
        for world, handler in zip(worlds, handlers, strict=True):
            world.jobs.handle(RUN, handler)
            await stack.enter_async_context(at_work(world))
        for world in worlds:
            await world.jobs.settle()  # type: ignore[attr-defined]

    assert [session.id] == handlers[0].calls + handlers[1].calls


async def test_what_a_dead_worker_took_is_rung_again(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)
    await taken_by_somebody(world, "dead", silent_s=SILENT_S + 1)
    pruned = await taken_by_somebody(world, "pruned", silent_s=SILENT_S + 1)
    await sql(world, "DELETE FROM procrastinate_workers WHERE id = :id", id=pruned)
    await taken_by_somebody(world, "alive", silent_s=0)
    async with at_work(world):
        rung = {await handler.arrivals.get() for _ in range(2)}
    left = await sql(world, "SELECT args ->> 'id' FROM procrastinate_jobs")

    assert {"dead", "pruned"} == rung
    assert ["alive"] == left


async def test_frozen_worker_that_others_took_for_dead_comes_back(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)
    async with at_work(world) as jobs:
        await ring(world, "before")
        await heard(world)
        with capture_logs() as logged:
            await until_it_hears(jobs)
            await sql(world, "DELETE FROM procrastinate_workers")
            while jobs.restarts == 0:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
            await until_it_hears(jobs)
        await ring(world, "after")
        await heard(world)
        await jobs.settle()

    assert ["before", "after"] == handler.calls
    assert ["job worker ended, another one starts", "job worker works again"] == [
        entry["event"] for entry in logged
    ]


async def test_finishing_what_another_worker_has_done_by_now_is_harmless(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)
    await taken_by_somebody(world, "shared", silent_s=SILENT_S + 1)
    (number,) = await sql(world, "SELECT id FROM procrastinate_jobs")
    async with at_work(world) as jobs:
        await handler.called.wait()
        await heard(world)
        with pytest.raises(Exception, match="Job was not found"):
            await sql(world, FINISH, id=number)
        await ring(world, "next")
        await heard(world)
        await jobs.settle()

    assert ["shared", "next"] == handler.calls


async def test_worker_survives_the_loss_of_every_connection() -> None:
    handler = Handler()
    url = postgres.fresh()
    async with sharing(url) as world:
        world.jobs.handle("bell", handler)
        async with at_work(world) as jobs:
            with psycopg.connect(postgres.server_url(), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [make_url(url).database],
                )
            await ring(world, "after")
            await handler.called.wait()
            await jobs.settle()

    assert ["after"] == handler.calls


async def test_sweep_finds_work_while_no_worker_can_start(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    monkeypatch.setattr(procrastinate, "POOL_TIMEOUT_S", 0.05)
    nowhere = make_url(url).update_query_dict({"host": "/nowhere"})
    unreachable = nowhere.render_as_string(hide_password=False)
    async with sharing(url, ManualClock(datetime.now(UTC))) as world:
        store, clock = world.store, world.clock
        world.jobs = ProcrastinateJobs(store, clock, unreachable, sweep_every_s=0.05)
        world.use(RULES)
        world.jobs.handle(RUN, handler)
        with capture_logs() as logged:
            async with at_work(world) as jobs:
                session = await world.start()
                await handler.called.wait()
                while jobs.restarts < 2:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.001)
                at_first = jobs.trouble()
                monkeypatch.setattr(procrastinate, "TOLERATED_S", 0.0)
                after_a_while = jobs.trouble()

    assert session.id in handler.calls
    assert "" == at_first
    assert after_a_while.startswith("no doorbells for ")
    assert 1 == sum(entry["event"].startswith("job worker ended") for entry in logged)


async def test_leases_of_other_processes_are_respected_until_they_end(url: str) -> None:
    handler = Handler()
    clock = ManualClock()
    async with sharing(url, clock) as other, sharing(url, clock) as world:
        run = await other.begun()
        world.jobs.handle(RUN, handler)
        async with at_work(world) as jobs:
            await jobs.settle()
            handler.calls.clear()  # of the doorbell that came with the start
            handler.called.clear()
            early = await world.runs.begin(run.session.id)
            clock.advance(world.runs.lease_s)
            await handler.called.wait()
            await jobs.settle()
        late = await world.begin(run.session.id)

    assert early is None
    assert run.session.id in handler.calls
    assert 2 == late.epoch


@pytest.mark.parametrize("off_s", [MAX_SKEW_S + 1, -MAX_SKEW_S - 1])
async def test_clock_that_is_off_is_trouble(url: str, off_s: float) -> None:
    wrong, right = (ManualClock(datetime.now(UTC) + timedelta(seconds=s)) for s in (off_s, 0))
    async with sharing(url, wrong) as off, sharing(url, right) as exact:
        async with at_work(off) as jobs:
            told = jobs.trouble()
        async with at_work(exact) as jobs:
            await until_it_hears(jobs)
            fine = jobs.trouble()

    assert told.startswith("this machine's clock is ")
    assert f" {'+' if off_s > 0 else '-'}1" in told
    assert "" == fine


async def test_process_whose_clock_is_behind_waits_until_the_row_is_due(url: str) -> None:
    handler = Handler()
    behind_s = 0.2
    ahead = ManualClock(START + timedelta(seconds=behind_s))
    async with sharing(url, ahead) as ringing, sharing(url, sweep_every_s=60) as world:
        world.jobs.handle("bell", handler)
        async with at_work(world):
            rung_at = asyncio.get_running_loop().time()
            await ring(ringing, "early")
            await handler.called.wait()
            heard_at = asyncio.get_running_loop().time()

    assert heard_at - rung_at >= behind_s


async def test_drained_process_leaves_doorbells_to_the_others(url: str) -> None:
    leaving, staying = Handler(), Handler()
    leaving.hold = asyncio.Event()
    async with sharing(url) as first, sharing(url) as second:
        first.jobs.handle("bell", leaving)
        second.jobs.handle("bell", staying)
        async with at_work(first) as jobs:
            await ring(first, "running")
            await leaving.called.wait()
            draining = asyncio.create_task(jobs.drain())
            while not all(task.done() for task in jobs._listening):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
            await ring(first, "left")
            async with at_work(second):
                await staying.called.wait()
            still = not draining.done()
            leaving.hold.set()
            await draining

    assert still
    assert ["running"] == leaving.calls
    assert ["left"] == staying.calls


async def test_worker_that_does_not_stop_holds_nobody_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(world) as jobs:
        await heard(world)
        monkeypatch.setattr(procrastinate, "STOP_S", -1.0)
        with capture_logs() as logged:
            await jobs.drain()

    assert ["job worker does not stop; what it has taken is put back by others"] == [
        entry["event"] for entry in logged
    ]
