"""What has to wait for its turn has not failed: same attempts, no alarm, never dropped."""

from __future__ import annotations

from structlog.testing import capture_logs

from countersign.approvals.delivery.notices import NOTICE_ATTEMPTS
from countersign.approvals.errors import BusyError, UnavailableError
from tests.approvals.delivery.test_courier import deliver_all, only, thread
from tests.approvals.delivery.test_notices import unsent
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.world import THREAD, World

BUSY = BusyError("As many messages as allowed were sent.", retry_after_s=3)


async def test_delivery_that_waits_for_its_turn_comes_back_then_as_if_nothing_had_been(
    world: World,
) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    waits = []
    with capture_logs() as logs:
        for _ in range(5):
            world.channel.failures.append(BUSY)
            await world.courier.deliver(delivery.id)
            after = await only(world, request)
            assert after.next_at is not None
            waits.append((after.next_at - world.clock.now()).total_seconds())
            world.clock.advance(3)
    await deliver_all(world)
    await world.courier.deliver(delivery.id)

    assert ([3.0] * 5, 0) == (waits, after.attempts)
    assert [] == [line for line in logs if line["log_level"] == "warning"]
    assert (request.id, "person:ben") in world.channel.posted


async def test_notice_that_waits_for_its_turn_is_never_dropped(world: World) -> None:
    await world.conversations.save(thread())
    run = await world.begun(THREAD)
    await world.runs.submit(run, [], state=NOTHING_SAID, progress=["one"])
    for _ in range(NOTICE_ATTEMPTS + 1):
        world.channel.failures.append(BUSY)
        await world.courier.notify(THREAD)
        world.clock.advance(3)
    world.channel.failures.append(UnavailableError("down", retry_after_s=3))
    await world.courier.notify(THREAD)  # a first attempt that fails

    assert ["one"] == await unsent(world)
    world.clock.advance(900)
    await world.courier.notify(THREAD)
    assert [(THREAD, "one")] == world.channel.said
