"""What a dead server was sending arrives after what its successor has sent: the card is drawn once
more, and is not left with an older state."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from countersign.approvals.backoff import ATTEMPT_S, SECOND_LOOK_S
from countersign.approvals.delivery.attempts import TURN
from countersign.approvals.delivery.second_looks import after, noticed
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import (
    Delivery,
    DeliveryStatus,
    Placing,
    Request,
    RequestStatus,
    Verdict,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.store import deliveries as rows
from tests.approvals.decisions.test_steps import work
from tests.approvals.delivery.test_companions import together
from tests.approvals.delivery.test_courier import deliver_all, only
from tests.doubles.channel import FakeChannel
from tests.doubles.directory import BEN
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
CARD = "card-1"


class Late(FakeChannel):
    """Teams, to which an update of a server that died is still on its way."""

    def __init__(self, like: FakeChannel):
        super().__init__()
        vars(self).update(vars(like))
        self.on_its_way: RequestView | None = None

    async def cut_off(self, world: World, delivery: Delivery) -> None:
        """A server draws the card again, and dies before it hears of it."""
        sent = asyncio.Event()

        async def update(_: Delivery, view: RequestView) -> None:
            self.on_its_way = view
            sent.set()
            await asyncio.Event().wait()

        vars(world.channel)["update"] = update
        attempt = asyncio.create_task(world.courier.deliver(delivery.id))
        await sent.wait()
        attempt.cancel()
        await asyncio.gather(attempt, return_exceptions=True)
        del vars(world.channel)["update"]

    def arrive(self, channel: FakeChannel) -> None:
        """It is there now, whatever was shown before."""
        assert self.on_its_way is not None
        channel.cards[CARD] = self.on_its_way


async def shown(world: World, *, redrawn: bool = True) -> tuple[Request, Late]:
    """A request for Ben that is shown."""
    world.directory.set_roles("cara")
    world.channel.placing = Placing(redrawn=redrawn)
    (request,) = await world.asked()
    await deliver_all(world)
    return request, Late(world.channel)


async def due_again(world: World, how: str) -> None:
    """The successor may send; a change makes it due by itself."""
    if how == "its time is over":
        world.clock.advance(ATTEMPT_S)
    elif how == "a start":
        await world.store.write(lambda c: rows.free_attempts(c, now=world.clock.now()))


def status_on_card(world: World) -> RequestStatus:
    return world.channel.cards[CARD].request.status


@pytest.mark.parametrize("how", ["its time is over", "a start", "a change meanwhile"])
async def test_older_state_that_arrives_late_does_not_stay(world: World, how: str) -> None:
    request, late = await shown(world)
    delivery = await only(world, request)
    await world.store.write(lambda c: rows.touch(c, [request.id], world.clock.now()))
    await late.cut_off(world, delivery)
    await due_again(world, how)
    await world.vote(request, BEN, Verdict.REJECT)
    world.clock.advance(1)
    await world.courier.deliver(delivery.id)
    first = status_on_card(world), (await only(world, request)).status
    late.arrive(world.channel)
    stale = status_on_card(world)
    world.clock.advance(SECOND_LOOK_S)
    await world.courier.deliver(delivery.id)
    await world.courier.deliver(delivery.id)
    after_it = await only(world, request)

    assert (RequestStatus.REJECTED, DeliveryStatus.CLOSED) == first
    assert RequestStatus.PENDING is stale
    assert RequestStatus.REJECTED is status_on_card(world)
    assert [CARD, CARD] == world.channel.updated
    assert (None, None, DeliveryStatus.CLOSED) == (
        after_it.next_at,
        after_it.doubt_at,
        after_it.status,
    )


async def test_doubt_outlives_changes_failures_and_turns(world: World) -> None:
    """The second look comes at its time, whatever is drawn before it."""
    request, late = await shown(world)
    delivery = await only(world, request)
    await world.store.write(lambda c: rows.touch(c, [request.id], world.clock.now()))
    await late.cut_off(world, delivery)
    world.clock.advance(ATTEMPT_S)
    began = world.clock.now()
    world.channel.busy_for_s = 5
    await world.courier.deliver(delivery.id)
    waits = await only(world, request)
    world.channel.busy_for_s = 0
    world.clock.advance(5)
    world.channel.failures.append(UnavailableError("Away."))
    await world.courier.deliver(delivery.id)
    world.clock.advance(10)
    await world.courier.deliver(delivery.id)
    open_now = await only(world, request)
    await world.vote(request, BEN, Verdict.REJECT)
    world.clock.advance(1)
    await world.courier.deliver(delivery.id)
    closed = await only(world, request)

    assert (TURN, began) == (waits.error, waits.doubt_at)
    at = began + timedelta(seconds=SECOND_LOOK_S)
    assert (DeliveryStatus.LIVE, at) == (open_now.status, open_now.next_at)
    assert (DeliveryStatus.CLOSED, at) == (closed.status, closed.next_at)


async def test_attempt_that_ends_leaves_no_doubt(world: World) -> None:
    """The usual case: it changes while it is drawn, and is drawn again at once."""
    request, _ = await shown(world)
    delivery = await only(world, request)
    await world.store.write(lambda c: rows.touch(c, [request.id], world.clock.now()))
    plain = world.channel.update
    touched: list[datetime | None] = []

    async def changed_meanwhile(one: Delivery, view: RequestView) -> None:
        if not touched:
            await world.store.write(lambda c: rows.touch(c, [request.id], world.clock.now()))
            touched.append((await only(world, request)).doubt_at)
        await plain(one, view)

    vars(world.channel)["update"] = changed_meanwhile
    await world.courier.deliver(delivery.id)
    ended = await only(world, request)

    assert [world.clock.now()] == touched
    assert [CARD, CARD] == world.channel.updated
    assert (None, None) == (ended.next_at, ended.doubt_at)


async def test_channel_whose_messages_are_not_redrawn_is_not_looked_at(world: World) -> None:
    request, late = await shown(world, redrawn=False)
    delivery = await only(world, request)
    await world.store.write(lambda c: rows.touch(c, [request.id], world.clock.now()))
    await late.cut_off(world, delivery)
    await world.store.write(lambda c: rows.touch(c, [request.id], world.clock.now()))
    await world.courier.deliver(delivery.id)
    ended = await only(world, request)

    assert (None, None) == (ended.next_at, ended.doubt_at)


async def test_message_of_several_calls_is_drawn_once_more_for_all(world: World) -> None:
    one, two = await together(world, "pay", "pay")
    world.channel.placing = Placing(together=True, redrawn=True)
    await work(world)
    late = Late(world.channel)
    await world.store.write(lambda c: rows.touch(c, [one.id, two.id], world.clock.now()))
    await late.cut_off(world, await only(world, one))
    world.clock.advance(ATTEMPT_S)
    await world.courier.deliver((await only(world, one)).id)
    waiting = [await only(world, each) for each in (one, two)]
    world.clock.advance(SECOND_LOOK_S)
    await world.courier.deliver(waiting[0].id)
    ended = [await only(world, each) for each in (one, two)]

    assert 1 == len({each.next_at for each in waiting})
    assert [True, True] == [each.doubt_at is not None for each in waiting]
    assert [CARD, CARD] == world.channel.updated
    assert [(None, None)] * 2 == [(each.next_at, each.doubt_at) for each in ended]


async def test_first_attempt_leaves_no_doubt(world: World) -> None:
    """Nobody knows of a card that was lost until somebody clicks on it."""
    world.channel.placing = Placing(redrawn=True)
    (request,) = await world.asked()
    delivery = await only(world, request)
    tried = delivery.model_copy(update={"attempts": 1})
    now = world.clock.now()

    assert tried == noticed(tried, now, redrawn=True)
    assert (None, None) == after(tried, tried, now, redrawn=True)
