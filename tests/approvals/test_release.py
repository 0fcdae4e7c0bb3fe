"""A lease that is given back: the session is due at once, and the old run may write no more."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import LostLeaseError
from tests.approvals.store.test_leases import due
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def test_a_session_given_back_is_due_at_once_and_the_old_run_writes_no_more(
    world: World,
) -> None:
    run = await world.begun()
    released = await world.runs.release(run)
    free = await due(world)
    after = await world.begin(run.session.id)

    assert (True, [run.session.id], run.epoch + 1) == (released, free, after.epoch)
    with pytest.raises(LostLeaseError):
        await world.submit(run, "quote")


async def test_only_who_holds_a_lease_can_give_it_back(world: World) -> None:
    old = await world.begun()
    world.clock.advance(30)
    new = await world.begin(old.session.id)

    assert not await world.runs.release(old)
    await world.submit(new, "quote")


async def test_a_session_that_waits_already_is_left_waiting(world: World) -> None:
    run = await world.begun()
    await world.submit(run, "quote")

    assert not await world.runs.release(run)
    assert [] == await due(world)
