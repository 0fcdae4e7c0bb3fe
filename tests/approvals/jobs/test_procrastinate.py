"""Several processes on one PostgreSQL database: what they share."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from countersign.approvals.decisions.outbox import RUN
from countersign.approvals.jobs.procrastinate import MAX_SKEW_S
from countersign.approvals.ports import Job
from countersign.approvals.store import doorbells
from tests.doubles.clock import START, ManualClock
from tests.doubles.jobs_at_work import (
    Handler,
    at_work,
    ring,
    sharing,
    sql,
    until_it_hears,
)
from tests.doubles.world import World


async def test_each_doorbell_is_heard_by_one_process(url: str) -> None:
    handlers = Handler(), Handler()
    rows = [f"row-{number}" for number in range(40)]
    async with AsyncExitStack() as stack:
        worlds = [await stack.enter_async_context(sharing(url)) for _ in handlers]
        for world, handler in zip(worlds, handlers, strict=True):
            world.jobs.handle("bell", handler)
            await stack.enter_async_context(at_work(world))
        await asyncio.gather(*(ring(worlds[0], row) for row in rows))
        await worlds[1].jobs.until_idle()  # type: ignore[attr-defined]
        await worlds[0].jobs.until_idle()  # type: ignore[attr-defined]

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
            await world.jobs.until_idle()  # type: ignore[attr-defined]
        (events,) = await sql(worlds[0], "SELECT last_value FROM procrastinate_events_id_seq")
        one_by_one = events - len(rows)  # each has one event when it comes, and one when fetched

    assert sorted(rows) == sorted(handlers[0].calls + handlers[1].calls)
    assert one_by_one < len(rows)


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
            await world.jobs.until_idle()  # type: ignore[attr-defined]

    assert [session.id] == handlers[0].calls + handlers[1].calls


async def test_processes_take_turns_to_sweep(url: str) -> None:
    handlers = Handler(), Handler()
    async with AsyncExitStack() as stack:
        worlds = [await stack.enter_async_context(sharing(url)) for _ in handlers]
        await worlds[0].start()
        await sql(worlds[0], "DELETE FROM procrastinate_jobs")
        for world, handler in zip(worlds, handlers, strict=True):
            world.jobs.handle(RUN, handler)
            await stack.enter_async_context(at_work(world))
        for handler in handlers:
            await handler.called.wait()

    assert all(handler.calls for handler in handlers)


async def test_turn_is_taken_after_the_clock_of_the_database_was_ahead(world: World) -> None:
    ahead = "UPDATE job_engine SET swept_at = clock_timestamp() + interval '1 day'"
    await world.store.write(lambda c: c.exec_driver_sql(ahead))
    turns = [
        await world.store.write(lambda c: doorbells.take_turn(c, every_s=60)) for _ in range(2)
    ]

    assert [True, False] == turns


async def test_time_between_sweeps_varies_so_that_none_is_always_the_first(url: str) -> None:
    async with sharing(url, sweep_every_s=2.0) as world:
        pauses = [world.jobs._pause_s() for _ in range(1000)]  # type: ignore[attr-defined]

    assert 1.5 <= min(pauses) < 1.7
    assert 2.3 < max(pauses) <= 2.5


async def test_leases_of_other_processes_are_respected_until_they_end(url: str) -> None:
    handler = Handler()
    clock = ManualClock()
    async with sharing(url, clock) as other, sharing(url, clock) as world:
        run = await other.begun()
        world.jobs.handle(RUN, handler)
        async with at_work(world) as jobs:
            await jobs.until_idle()
            handler.calls.clear()  # of the doorbell that came with the start
            handler.called.clear()
            early = await world.runs.begin(run.session.id)
            clock.advance(world.runs.lease_s)
            await handler.called.wait()
            await jobs.until_idle()
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


async def test_what_was_rung_before_a_row_was_put_off_does_not_ring_early(url: str) -> None:
    """It was heard late, and the row shows the newest state whenever its time comes."""
    handler, later_s = Handler(), 0.5
    clock = ManualClock(START + timedelta(seconds=1))
    async with sharing(url) as ringing, sharing(url, clock, sweep_every_s=60) as world:
        world.jobs.handle("bell", handler)
        async with at_work(world) as jobs:
            put_off_at = asyncio.get_running_loop().time()
            at = clock.now() + timedelta(seconds=later_s)
            job = Job(kind="bell", id="late")
            await world.unit(partial(jobs.enqueue_here, job=job, at=at))
            await ring(ringing, "late")
            await handler.called.wait()
            heard_at = asyncio.get_running_loop().time()
            await jobs.until_idle()

    assert heard_at - put_off_at >= later_s
    assert ["late"] == handler.calls


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
