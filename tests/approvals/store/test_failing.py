"""What could not be sent yet, for whoever looks after it."""

from __future__ import annotations

from countersign.approvals.store import deliveries
from tests.doubles.directory import BEN
from tests.doubles.world import World


async def test_deliveries_that_are_tried_again_are_listed_with_why(world: World) -> None:
    (request,) = await world.asked("quote")
    assert [] == list(await world.records.failing(BEN))
    (shown, *_) = await world.records.deliveries(request.id)
    at = "2026-03-02T09:10:00.000000+00:00"
    await world.store.write(
        lambda c: deliveries.record(c, shown.id, error="It hung up.", next_at=at, attempts=3)
    )

    (failing,) = await world.records.failing(BEN)
    assert (shown.id, "It hung up.", 3) == (failing.id, failing.error, failing.attempts)


async def test_verifying_everything_tells_how_far_it_is(world: World) -> None:
    await world.asked("quote")
    heard: list[int] = []
    found = await world.records.verify(tell=heard.append)

    assert found.verified
    assert heard
    assert heard == sorted(heard)
    assert heard[-1] <= found.entries
