"""What a clock has written that was ahead, once it is right again: nothing waits for its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.models import RequestStatus
from countersign.approvals.store import (
    clock_ahead,
    codec,
    deliveries,
    tickets,
)
from tests.doubles.directory import BEN
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio

DAY_S = 86_400.0


async def corrected(world: World) -> int:
    """What a sweep does before it looks for what is due."""
    now = world.clock.now()
    if not await world.store.read(lambda c: clock_ahead.is_any(c, now)):
        return 0
    return await world.store.write(lambda c: clock_ahead.bring_back(c, now))


async def due(world: World, kind: str) -> list[str]:
    now = world.clock.now()
    return [job.id for job in await world.store.read(lambda c: due_jobs(c, now, kinds=[kind]))]


async def test_session_that_was_parked_is_due(world: World) -> None:
    world.clock.advance(DAY_S)
    run = await world.begun()
    await world.runs.park(run, error="No model.")
    world.clock.set_back(DAY_S)
    before = await due(world, "run")
    count = await corrected(world)

    assert ([], 1, [run.session.id]) == (before, count, await due(world, "run"))
    assert 0 == await corrected(world)


async def test_lease_of_a_process_that_is_gone_ends_soon(world: World) -> None:
    world.clock.advance(DAY_S)
    run = await world.begun()
    world.clock.set_back(DAY_S)
    await corrected(world)
    early = await world.runs.begin(run.session.id)
    world.clock.advance(60)

    assert early is None
    assert run.epoch + 1 == (await world.begin(run.session.id)).epoch


async def test_lease_of_a_process_that_lives_stays(world: World) -> None:
    world.clock.advance(DAY_S)
    run = await world.begun()
    world.clock.set_back(DAY_S)
    await corrected(world)

    assert frozenset() == await world.runs.renew([run])
    world.clock.advance(29)
    await world.require_lease(run)
    assert 0 == await corrected(world)


async def test_delivery_notice_and_poll_are_due(world: World) -> None:
    world.clock.advance(DAY_S)
    (request,) = await world.submit(await world.begun(THREAD), "quote")
    (delivery, *_) = await world.records.deliveries(request.id)
    world.channel.failures.append(UnavailableError("Away."))
    await world.courier.deliver(delivery.id)
    await world.store.write(lambda c: tickets.plan_poll(c, "jira", world.clock.now()))
    look = codec.to_text(world.clock.now())
    await world.store.write(lambda c: deliveries.record(c, delivery.id, look_at=look))
    world.clock.set_back(DAY_S)
    kinds = ("deliver", "read", "poll")
    before = [await due(world, kind) for kind in kinds]
    await corrected(world)

    assert [[], [], []] == before
    for kind, row in zip(kinds, (delivery.id, delivery.id, "jira"), strict=True):
        assert row in await due(world, kind)


async def test_deadline_counts_from_when_the_clock_is_right(world: World) -> None:
    """An hour is an hour, and not a day and an hour."""
    world.clock.advance(DAY_S)
    (request,) = await world.asked()
    world.clock.set_back(DAY_S)
    found = await due(world, "expire")
    await world.approvals.expire(request.id)
    asked = await world.now(request)
    again = await due(world, "expire")
    mine = await world.records.mine(BEN, limit=10)
    world.clock.advance(3600)
    expired = await due(world, "expire")
    await world.approvals.expire(request.id)
    kinds = await world.kinds(request.session_id)
    checked = await world.records.verify(request.session_id)

    assert [request.id] == found == expired
    assert [] == again
    assert asked.expires_at == asked.created_at + timedelta(hours=1)
    assert [request.id] == [each.id for each in mine.items]
    assert RequestStatus.EXPIRED is (await world.now(request)).status
    assert ["clock_corrected", "expired"] == list(kinds)[-2:]
    assert () == checked.problems


async def test_request_without_a_deadline_keeps_none(world: World) -> None:
    world.clock.advance(DAY_S)
    (request,) = await world.asked("wire")
    world.clock.set_back(DAY_S)
    await world.approvals.expire(request.id)
    asked = await world.now(request)

    assert (world.clock.now(), None) == (asked.created_at, asked.expires_at)
    await world.approvals.expire(request.id)
    assert asked == await world.now(request)


async def test_what_waits_as_planned_is_left_alone(world: World) -> None:
    run = await world.begun()
    await world.runs.park(run, error="No model.")
    (request,) = await world.asked()
    (delivery, *_) = await world.records.deliveries(request.id)
    hour = codec.to_text(world.clock.now() + timedelta(hours=1))
    await world.store.write(lambda c: deliveries.record(c, delivery.id, next_at=hour))

    assert 0 == await corrected(world)
