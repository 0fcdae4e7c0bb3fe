"""What a process that was killed had under way, and doorbells beyond what one process can take."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from countersign.approvals.backoff import ATTEMPT_S
from countersign.approvals.decisions.outbox import DELIVER, NOTIFY, RUN
from countersign.approvals.errors import UnavailableError
from countersign.approvals.jobs import local
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.models import Request
from countersign.approvals.ports import Job
from countersign.approvals.store import codec, deliveries
from tests.approvals.delivery.test_notices import thread
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.jobs_at_work import Handler, at_work
from tests.doubles.world import THREAD, World, working


async def killed_while_posting(world: World) -> tuple[Request, str]:
    """A request, and its delivery: the card appeared, and nobody recorded it."""
    (request,) = await world.asked()
    (delivery, *_) = await world.records.deliveries(request.id)
    world.channel.hold = asyncio.Event()
    attempt = asyncio.create_task(world.courier.deliver(delivery.id))
    await world.channel.appeared.wait()
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    world.channel.hold = None
    return request, delivery.id


async def test_delivery_under_way_at_a_kill_is_made_at_once(tmp_path: Path) -> None:
    async with working(tmp_path) as world:
        request, delivery_id = await killed_while_posting(world)
        world.jobs.handle(DELIVER, world.courier.deliver)
        async with at_work(world) as jobs:
            await jobs.until_idle()
        shown = {str(d.id): d.status for d in await world.records.deliveries(request.id)}

    assert "live" == shown[delivery_id]


async def test_notice_under_way_at_a_kill_is_sent_at_once(tmp_path: Path) -> None:
    async with working(tmp_path) as world:
        await world.conversations.save(thread())
        run = await world.begun(THREAD)
        await world.runs.submit(run, [], state=NOTHING_SAID, progress=["Hello"])
        taken = await world.courier._notifier._take_notice(THREAD)
        world.jobs.handle(NOTIFY, world.courier.notify)
        async with at_work(world) as jobs:
            await jobs.until_idle()

    assert taken is not None
    assert [(THREAD, "Hello")] == world.channel.said


async def test_delivery_that_failed_keeps_its_time_over_a_restart(tmp_path: Path) -> None:
    async with working(tmp_path) as world:
        (request,) = await world.asked()
        (before, *_) = await world.records.deliveries(request.id)
        world.channel.failures.append(UnavailableError("Too many.", retry_after_s=ATTEMPT_S))
        await world.courier.deliver(before.id)
        (failed, *_) = await world.records.deliveries(request.id)
        async with at_work(world) as jobs:
            await jobs.until_idle()
        (after, *_) = await world.records.deliveries(request.id)

    assert failed.next_at == after.next_at
    assert "Too many." == after.error


async def test_delivery_that_is_to_wait_keeps_its_time_over_a_restart(tmp_path: Path) -> None:
    async with working(tmp_path) as world:
        (request,) = await world.asked()
        (before, *_) = await world.records.deliveries(request.id)
        later = world.clock.now() + timedelta(hours=1)
        await world.store.write(
            lambda c: deliveries.record(c, before.id, next_at=codec.to_text(later))
        )
        async with at_work(world) as jobs:
            await jobs.until_idle()
        (after, *_) = await world.records.deliveries(request.id)

    assert later == after.next_at


async def test_doorbells_beyond_what_may_wait_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "WAITING", 2)
    answered: list[str] = []
    release = asyncio.Event()

    async def handler(row: str) -> None:
        answered.append(row)
        await release.wait()

    async with working(tmp_path) as world:
        world.jobs = EmbeddedJobs(world.store, world.clock, concurrency=1, sweep_every_s=3600)
        world.jobs.handle("bell", handler)
        world.jobs.handle("other", handler)
        async with at_work(world) as jobs:
            for row in "abcde":
                job = Job(kind="bell", id=row)
                await world.unit(partial(jobs.enqueue, job=job))
            await world.unit(lambda unit: jobs.enqueue(unit, Job(kind="other", id="x")))
            release.set()
            await jobs.until_idle()
            await world.unit(lambda unit: jobs.enqueue(unit, Job(kind="bell", id="f")))
            await jobs.until_idle()

    assert ["a", "x", "b", "c", "f"] == answered


async def test_handler_that_sees_to_it_itself_is_called_more_often_at_once(tmp_path: Path) -> None:
    handler = Handler()
    handler.hold = asyncio.Event()
    async with working(tmp_path) as world:
        world.jobs = EmbeddedJobs(world.store, world.clock, concurrency=1, sweep_every_s=3600)
        world.jobs.handle("bell", handler, at_once=3)
        async with at_work(world) as jobs:
            for row in "abcd":
                job = Job(kind="bell", id=row)
                await world.unit(partial(jobs.enqueue, job=job))
            for _ in range(3):
                await handler.arrivals.get()
            running = handler.running
            handler.hold.set()
            await jobs.until_idle()

    assert (3, 3, ["a", "b", "c", "d"]) == (running, handler.most_at_once, handler.calls)


async def test_sweep_brings_back_what_a_clock_that_was_ahead_has_planned(tmp_path: Path) -> None:
    handler = Handler()
    async with working(tmp_path) as world:
        world.clock.advance(86_400)
        run = await world.begun()
        await world.runs.park(run, error="No model.")
        world.clock.set_back(86_400)
        world.jobs.handle(RUN, handler)
        async with at_work(world):
            await handler.called.wait()

    assert run.session.id in handler.calls


async def test_start_takes_over_what_a_stopped_process_ran(tmp_path: Path) -> None:
    async with working(tmp_path) as world:
        run = await world.begun()
        handler = Handler()
        world.jobs.handle(RUN, handler)
        async with at_work(world) as jobs:
            await handler.called.wait()
            await jobs.until_idle()
        again = await world.begin(run.session.id)

    assert run.session.id in handler.calls
    assert 2 == again.epoch
