"""Calls of one checkpoint come in one message, which is changed once; each keeps its own row."""

from __future__ import annotations

import pytest

from countersign.approvals.errors import BusyError, NotFoundError, UnavailableError
from countersign.approvals.forms.together import name_of
from countersign.approvals.models import Delivery, DeliveryStatus, Placing, Request, Verdict
from tests.approvals.decisions.test_steps import ASK, later, work
from tests.doubles.directory import BEN
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
RULES = {"tools": {"pay": ASK, "ship": ASK, "sign": {**ASK, "deadline": "4h"}}}


async def together(world: World, *tools: str) -> list[Request]:
    """Calls of one message, for Ben."""
    world.directory.set_roles("cara")
    world.channel.placing = Placing(together=True)
    world.use(RULES)
    asked = await world.asked(*tools)
    return sorted(asked, key=lambda each: each.position)


async def rows(world: World, asked: list[Request]) -> list[Delivery]:
    return [d for each in asked for d in await world.records.deliveries(each.id)]


async def test_one_message_shows_all_calls_of_the_same_people(world: World) -> None:
    asked = await together(world, "pay", "ship", "pay")
    await work(world)
    shown = await rows(world, asked)
    kinds = await world.kinds(asked[0].session_id)

    assert [(asked[0].id, "person:ben")] == world.channel.posted
    assert name_of(asked) == world.channel.cards["card-1"].calls
    assert [DeliveryStatus.LIVE] * 3 == [each.status for each in shown]
    assert 1 == len({str(each.reference) for each in shown})
    assert 3 == kinds.count("delivered")
    assert [] == world.channel.updated
    assert (await world.records.verify()).verified


async def test_a_call_on_other_terms_keeps_its_own(world: World) -> None:
    asked = await together(world, "pay", "sign", "pay")
    await work(world)

    assert 2 == len(world.channel.posted)
    calls = {view.request.id: view.calls for view in world.channel.cards.values()}
    assert {asked[0].id: name_of([asked[0], asked[2]]), asked[1].id: ""} == calls


async def test_a_change_of_any_changes_the_message_once(world: World) -> None:
    """It begins with the first that waits, and says how the others stand."""
    one, two, three = await together(world, "pay", "pay", "pay")
    await work(world)
    await world.vote(one, BEN)
    await work(world)
    card = world.channel.cards["card-1"]
    statuses = {each.id: str(each.status) for each in (card.request, *card.siblings)}

    assert ["card-1"] == world.channel.updated
    assert two.id == card.request.id
    assert {one.id: "approved", two.id: "pending", three.id: "pending"} == statuses
    shown = await rows(world, [one, two, three])
    assert [None] * 3 == [each.next_at for each in shown]
    assert [DeliveryStatus.LIVE] * 3 == [each.status for each in shown]


async def test_one_that_is_over_is_closed_and_the_others_are_not(world: World) -> None:
    one, two = await together(world, "pay", "pay")
    await work(world)
    await world.vote(one, BEN, Verdict.REJECT)
    await work(world)

    shown = await rows(world, [one, two])
    assert [DeliveryStatus.CLOSED, DeliveryStatus.LIVE] == [each.status for each in shown]


@pytest.mark.parametrize(
    "failure", [UnavailableError("Away."), BusyError("Later.", retry_after_s=5)]
)
async def test_what_cannot_be_sent_comes_later_and_still_as_one(
    world: World, failure: Exception
) -> None:
    asked = await together(world, "pay", "pay", "pay")
    world.channel.failures.append(failure)
    await work(world)
    before = await rows(world, asked)
    await later(world, 0.1)

    assert [None] * 3 == [each.reference for each in before]
    assert all(each.error for each in before)
    assert [(asked[0].id, "person:ben")] == world.channel.posted


async def test_a_message_that_is_gone_is_gone_for_all(world: World) -> None:
    one, two = await together(world, "pay", "pay")
    await work(world)
    world.channel.failures.append(NotFoundError("Deleted."))
    await world.vote(one, BEN)
    await work(world)

    shown = await rows(world, [one, two])
    assert [DeliveryStatus.ABANDONED] * 2 == [each.status for each in shown]


async def test_what_is_under_way_is_not_sent_by_another(world: World) -> None:
    """Of several calls that are due, whoever comes second finds them taken."""
    asked = await together(world, "pay", "pay")
    await work(world)
    await world.vote(asked[0], BEN)
    (first,) = await world.records.deliveries(asked[0].id)
    (second,) = await world.records.deliveries(asked[1].id)
    await world.courier.deliver(first.id)
    await world.courier.deliver(second.id)

    assert ["card-1"] == world.channel.updated


async def test_a_place_that_shows_one_by_one_does_so(world: World) -> None:
    await together(world, "pay", "pay")
    world.channel.placing = Placing()
    await work(world)

    assert 2 == len(world.channel.posted)
    assert {""} == {view.calls for view in world.channel.cards.values()}


async def test_people_are_reminded_once_of_all(world: World) -> None:
    world.directory.set_roles("cara")
    world.channel.placing = Placing(together=True)
    world.use({"tools": {"pay": {**ASK, "deadline": "4h", "remind": ["1h"]}}})
    await world.asked("pay", "pay", "pay")
    await work(world)
    await later(world, 1)
    await later(world, 0.5)

    assert ["card-1"] == [card for card, _, _ in world.channel.reminded]
