"""What has to wait for its turn has not failed: same attempts, no alarm, never dropped."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from countersign.approvals.delivery.attempts import NEVER_SHOWN, TURN
from countersign.approvals.delivery.notices import NOTICE_ATTEMPTS
from countersign.approvals.errors import BusyError, UnavailableError
from countersign.approvals.models import Delivery, DeliveryStatus, JsonObject, Request, Verdict
from countersign.approvals.ports import RequestView
from countersign.connectors.pacing import Pacing
from tests.approvals.delivery.test_courier import deliver_all, only, thread
from tests.approvals.delivery.test_notices import unsent
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import BEN
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


class Turns:
    """Lets a channel be written to as often as its pacing says, and counts who asked."""

    def __init__(self, world: World, at_once: int, seconds: float):
        self._world, self._at = world, world.clock.now()
        self.pacing = Pacing(
            ((at_once, seconds),), lambda _: None, busy="full", monotonic=self._now_s
        )
        self.asked = 0

    def busy_s(self, delivery: Delivery) -> float:
        """As that of Teams."""
        self.asked += 1
        return self.pacing.busy_s(delivery.target)

    async def take(self, delivery: Delivery) -> None:
        """The turn of what is sent now."""

        async def nothing() -> None:
            """A message."""

        await self.pacing.send(delivery.target, nothing)

    def _now_s(self) -> float:
        return (self._world.clock.now() - self._at).total_seconds()


@pytest.fixture
def turns(world: World, monkeypatch: pytest.MonkeyPatch) -> Turns:
    """Two messages a minute to each person."""
    found = Turns(world, 2, 60.0)
    post, update = world.channel.post, world.channel.update

    async def paced_post(delivery: Delivery, view: RequestView) -> JsonObject:
        await found.take(delivery)
        return await post(delivery, view)

    async def paced_update(delivery: Delivery, view: RequestView) -> None:
        await found.take(delivery)
        await update(delivery, view)

    monkeypatch.setattr(world.channel, "post", paced_post)
    monkeypatch.setattr(world.channel, "update", paced_update)
    return found


async def pass_by(world: World, seconds: int, requests: list[Request]) -> None:
    """Every second what is due is tried."""
    for _ in range(seconds):
        for request in requests:
            for delivery in await world.records.deliveries(request.id):
                await world.courier.deliver(delivery.id)
        world.clock.advance(1)


@pytest.mark.parametrize("known", [True, False], ids=["known before", "found out"])
async def test_what_is_over_takes_no_turn_of_what_waits(
    world: World, turns: Turns, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Of ten that could not be shown and were decided meanwhile no card is drawn: the next turn is
    that of the one that still waits."""
    monkeypatch.setattr(world.channel, "busy_s", turns.busy_s if known else lambda _: 0.0)
    shown = list(await world.asked("quote", "quote"))
    late = [(await world.asked())[0] for _ in range(10)]
    (open_still,) = await world.asked()
    requests = [*shown, *late, open_still]
    await pass_by(world, 1, requests)
    for each in late:
        await world.vote(each, BEN, Verdict.REJECT)
    await pass_by(world, 75, requests)
    whose = [request for request, target in world.channel.posted if target == "person:ben"]
    left = [d for each in late for d in await world.records.deliveries(each.id)]

    assert [*(each.id for each in shown), open_still.id] == whose
    assert {(DeliveryStatus.CLOSED, None, NEVER_SHOWN)} == {
        (d.status, d.next_at, d.error) for d in left
    }
    assert [] == world.channel.updated


async def test_what_is_over_asks_for_no_turn(world: World, turns: Turns) -> None:
    (request,) = await world.asked()
    (delivery, *_) = await world.records.deliveries(request.id)
    world.channel.busy_for_s = 3.0
    await world.courier.deliver(delivery.id)
    waits = (await world.records.deliveries(request.id))[0]
    await world.vote(request, BEN, Verdict.REJECT)
    world.clock.advance(3)
    turns.asked, world.channel.busy_s = 0, turns.busy_s  # type: ignore[method-assign]
    await world.courier.deliver(delivery.id)

    assert TURN == waits.error
    assert 0 == turns.asked


async def test_what_may_be_there_is_brought_up_to_date_though_it_is_over(world: World) -> None:
    """An attempt that failed may have shown it all the same."""
    (request,) = await world.asked()
    delivery = await only(world, request)
    for failure in (UnavailableError("no answer", retry_after_s=3), BUSY):
        world.channel.failures.append(failure)
        await world.courier.deliver(delivery.id)
        world.clock.advance(3)
    await world.vote(request, BEN, Verdict.REJECT)
    await world.courier.deliver(delivery.id)

    assert [(request.id, "person:ben")] == world.channel.posted


async def test_cards_of_a_busy_chat_are_drawn_once_each_and_brought_up_to_date_once(
    world: World, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often they come to ask, and however much changes until it is their turn."""
    monkeypatch.setattr(world.channel, "busy_s", turns.busy_s)
    requests = list(await world.asked("quote", "quote", "quote", "quote"))
    await pass_by(world, 130, requests)
    posted = len(world.channel.posted)
    for each in requests:
        await world.vote(each, BEN, Verdict.REJECT)
    await pass_by(world, 200, requests)

    assert 2 * len(requests) == posted == len(world.channel.posted)
    assert posted == len(world.channel.updated) == len(set(world.channel.updated))
    assert {4} == {len(view.siblings) + 1 for view in world.channel.cards.values()}
