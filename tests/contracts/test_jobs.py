"""The contract of `approvals.ports.Jobs`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.contextvars import bound_contextvars, get_contextvars
from structlog.testing import capture_logs

from countersign.approvals.decisions.outbox import (
    DELIVER,
    DOUBT,
    EXPIRE,
    NOTIFY,
    RUN,
)
from countersign.approvals.errors import UnavailableError
from countersign.approvals.jobs.due import ORPHAN_GRACE
from countersign.approvals.models import RequestStatus
from countersign.approvals.ports import Job, Unit
from tests.doubles.directory import ANNA, acting
from tests.doubles.jobs_at_work import Handler, at_work, embedded, heard, procrastinate, ring
from tests.doubles.world import THREAD, World


@pytest_asyncio.fixture(params=[embedded, procrastinate], ids=lambda one: one.__name__)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The domain with the jobs under test, not yet running."""
    async with request.param(tmp_path) as world:
        yield world


async def test_rings_after_the_commit(world: World) -> None:
    seen: list[RequestStatus] = []

    async def handler(session_id: str) -> None:
        page = await world.records.requests(session_id=session_id)
        seen.extend(r.status for r in page.items)

    async with at_work(world) as jobs:
        (request,) = await world.asked()
        await heard(world)
        world.jobs.handle(RUN, handler)
        await world.vote(request)
        await jobs.until_idle()

    assert RequestStatus.APPROVED in seen
    assert RequestStatus.PENDING not in seen


async def test_never_rings_after_a_rollback(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)

    def work(unit: Unit) -> None:
        world.jobs.enqueue(unit, Job(kind="bell", id="never"))
        raise UnavailableError("rolled back")

    async with at_work(world) as jobs:
        failed = asyncio.gather(*(world.unit(work) for _ in range(5)), return_exceptions=True)
        await asyncio.gather(failed, ring(world, "good"))
        await jobs.until_idle()

    assert ["good"] == handler.calls


async def test_ringing_here_rings_this_process_after_the_commit(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)

    def work(unit: Unit, row: str, fails: bool) -> None:
        world.jobs.enqueue_here(unit, Job(kind="bell", id=row))
        if fails:
            raise UnavailableError("rolled back")

    async with at_work(world) as jobs:
        with pytest.raises(UnavailableError):
            await world.unit(lambda unit: work(unit, "never", True))
        await world.unit(lambda unit: work(unit, "here", False))
        await handler.called.wait()
        await jobs.until_idle()

    assert ["here"] == handler.calls


async def test_what_is_rung_for_later_waits_until_then(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)
    at = world.clock.now() + timedelta(seconds=0.1)
    async with at_work(world) as jobs:
        rung_at = asyncio.get_running_loop().time()
        job = Job(kind="bell", id="a")
        await world.unit(partial(jobs.enqueue_here, job=job, at=at))
        await jobs.until_idle()
        waited_s = asyncio.get_running_loop().time() - rung_at

    assert ["a"] == handler.calls
    assert waited_s >= 0.1


async def test_what_is_rung_for_meanwhile_is_not_rung_for_again(world: World) -> None:
    """The last change of a row is the one that counts."""
    handler = Handler()
    world.jobs.handle("bell", handler)
    async with at_work(world) as jobs:
        for later_s in (5.0, 2.0):
            at = world.clock.now() + timedelta(seconds=later_s)
            put_off = partial(jobs.enqueue_here, job=Job(kind="bell", id="a"), at=at)
            await world.unit(put_off)
        world.clock.advance(0.001)
        await ring(world, "a")
        await handler.called.wait()
        await jobs.until_idle()

    assert ["a"] == handler.calls


async def test_handler_knows_nothing_of_who_rang(world: World) -> None:
    seen: list[dict[str, Any]] = []
    called = asyncio.Event()

    async def handler(row: str) -> None:
        seen.append(get_contextvars())
        called.set()

    world.jobs.handle("bell", handler)
    async with at_work(world) as jobs:
        with bound_contextvars(http_request_id="somebody's"):
            job = Job(kind="bell", id="a")
            await world.unit(lambda unit: jobs.enqueue_here(unit, job))
        await called.wait()
        await jobs.until_idle()

    assert [{}] == seen


async def test_handler_that_fails_is_logged_and_stops_nobody(world: World) -> None:
    handler = Handler()
    handler.fails = True
    world.jobs.handle("bell", handler)
    with capture_logs() as logged:
        async with at_work(world) as jobs:
            await ring(world, "a")
            await ring(world, "b")
            await jobs.until_idle()
            await ring(world, "a")
            await jobs.until_idle()

    assert ["a", "b", "a"] == handler.calls
    assert 3 == sum(entry["event"] == "job failed" for entry in logged)


async def test_doorbells_during_a_run_are_answered_once_more_and_never_at_once(
    world: World,
) -> None:
    handler = Handler()
    handler.hold = asyncio.Event()
    world.jobs.handle("bell", handler)
    async with at_work(world) as jobs:
        await ring(world, "a")
        await handler.called.wait()
        for _ in range(10):
            await ring(world, "a")
        await heard(world)
        handler.hold.set()
        await jobs.until_idle()

    assert ["a", "a"] == handler.calls
    assert 1 == handler.most_at_once


async def test_different_rows_are_worked_on_at_once(world: World) -> None:
    handler = Handler()
    handler.hold = asyncio.Event()
    world.jobs.handle("bell", handler)
    async with at_work(world) as jobs:
        for row in "abc":
            await ring(world, row)
        for _ in "abc":
            await handler.arrivals.get()
        handler.hold.set()
        await jobs.until_idle()

    assert 3 == handler.most_at_once


async def test_sweep_at_the_start_finds_everything_that_is_due(world: World) -> None:
    overdue, _ = await world.asked("quote", "quote")
    await world.approvals.cancel((await world.start(THREAD)).id, acting(ANNA))
    orphaned_run, orphan = await world.executing()
    await world.approvals.cancel(orphaned_run.session.id, acting(ANNA))
    world.clock.advance(max(3600.0, ORPHAN_GRACE.total_seconds()))
    session = await world.start()
    handlers = {kind: Handler() for kind in (RUN, DELIVER, NOTIFY, EXPIRE, DOUBT)}
    for kind, handler in handlers.items():
        world.jobs.handle(kind, handler)
    async with at_work(world) as jobs:
        await jobs.until_idle()
    shown = {d.id for d in await world.records.deliveries(overdue.id)}

    assert session.id in handlers[RUN].calls
    assert shown <= set(handlers[DELIVER].calls)
    assert {THREAD} == set(handlers[NOTIFY].calls)
    assert overdue.id in handlers[EXPIRE].calls
    assert {orphan.id} == set(handlers[DOUBT].calls)


async def test_lost_doorbell_is_found_by_a_later_sweep(world: World) -> None:
    handler = Handler()
    async with at_work(world) as jobs:
        session = await world.start()  # nobody listens: the doorbell is lost
        world.jobs.handle(RUN, handler)
        await handler.called.wait()
        await jobs.until_idle()

    assert session.id in handler.calls


async def test_waiting_request_expires_by_itself(world: World) -> None:
    expired = asyncio.Event()

    async def expire(request_id: str) -> None:
        await world.approvals.expire(request_id)
        expired.set()

    (request,) = await world.asked()
    world.jobs.handle(EXPIRE, expire)
    async with at_work(world) as jobs:
        world.clock.advance(3600)
        await expired.wait()
        await jobs.until_idle()

    assert RequestStatus.EXPIRED is (await world.now(request)).status


async def test_stopping_cancels_what_runs_and_rings_nothing_more(world: World) -> None:
    handler = Handler()
    handler.hold = asyncio.Event()
    world.jobs.handle("bell", handler)
    async with at_work(world):
        await ring(world, "a")
        await handler.called.wait()
        await ring(world, "a")
    await ring(world, "b")

    assert ["a"] == handler.calls
    assert 0 == handler.running


@pytest.mark.parametrize(
    "error", [UnavailableError("The disk is gone."), RuntimeError("A table is being restored.")]
)
async def test_sweep_that_cannot_read_is_logged_once_and_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whatever it was: the next one may work, and without sweeps nothing would."""
    handler = Handler()
    broken, failures, twice = True, 0, asyncio.Event()
    read = world.store.read

    async def failing(unit: Any) -> Any:
        nonlocal failures
        if broken:
            failures += 1
            if failures == 2:
                twice.set()
            raise error
        return await read(unit)

    async with at_work(world) as jobs:
        monkeypatch.setattr(world.store, "read", failing)
        with capture_logs() as logged:
            await twice.wait()
            world.jobs.handle(RUN, handler)
            session = await world.start()
            broken = False
            await handler.called.wait()
            while "sweep works again" not in (  # noqa: ASYNC110 - nobody tells
                said := [entry["event"] for entry in logged]
            ):
                await asyncio.sleep(0.01)
            await jobs.until_idle()

    assert 1 == said.count("sweep failed")
    assert 1 == said.count("sweep works again")
    assert session.id in handler.calls
