"""Calls of one checkpoint come in one message, which is changed once; each keeps its own row."""

from __future__ import annotations

import asyncio
from datetime import time, timedelta

import pytest

from countersign.approvals.delivery.quiet_times import HELD
from countersign.approvals.errors import BusyError, NotFoundError, UnavailableError
from countersign.approvals.forms.together import name_of
from countersign.approvals.models import (
    Delivery,
    DeliveryStatus,
    Digest,
    Placing,
    Request,
    RequestStatus,
    Verdict,
)
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
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


async def test_a_call_whose_companion_is_under_way_is_shown_alone(world: World) -> None:
    """It cannot be known whether that was shown; both are there in the end."""
    one, two = await together(world, "pay", "pay")
    (other,) = await world.records.deliveries(two.id)
    until = codec.to_text(world.clock.now() + timedelta(minutes=1))
    await world.store.write(
        lambda c: delivery_rows.record(c, other.id, next_at=until, attempts=1, error=None)
    )
    await work(world)
    first = {view.request.id: view.calls for view in world.channel.cards.values()}
    await later(world, 0.1)

    assert {one.id: ""} == first
    assert [one.id, two.id] == [request for request, _ in world.channel.posted]


async def test_questions_of_agents_are_shown_one_by_one(world: World) -> None:
    run = await world.begun()
    world.channel.placing = Placing(together=True)
    each = [world.question(run.session.id) for _ in range(2)]
    asked = await world.submit(run, *each)
    await work(world)

    assert {""} == {view.calls for view in world.channel.cards.values()}
    assert {request.id for request in asked} == {of for of, _ in world.channel.posted}


async def test_what_is_held_for_a_list_waits_for_it(world: World) -> None:
    """Of low risk, for one who reads lists; what is of more risk does not take it along."""
    world.directory.set_roles("cara")
    world.channel.placing = Placing(together=True)
    noon = Digest(zone="UTC", at=(time(12),))
    world.directory.put(BEN.model_copy(update={"digest": noon}))
    rules = {risk: {**ASK, "risk": risk, "deadline": "24h"} for risk in ("low", "high")}
    world.use({"tools": rules})
    low, high = await world.asked("low", "high")
    await work(world)

    assert [high.id] == [request for request, _ in world.channel.posted]
    (held,) = await world.records.deliveries(low.id)
    assert HELD == held.error


async def test_a_server_that_dies_before_it_notes_the_message_posts_all_of_it_again(
    world: World,
) -> None:
    """Nothing of it is left behind: each call is shown by the next message, and by that alone."""
    asked = await together(world, "pay", "pay", "pay")
    world.channel.hold = asyncio.Event()
    dying = asyncio.create_task(work(world))
    await world.channel.appeared.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    world.channel.hold = None
    lost = await rows(world, asked)
    await later(world, 0.1)
    shown = await rows(world, asked)

    assert [None] * 3 == [each.reference for each in lost]
    assert [(asked[0].id, "person:ben")] * 2 == world.channel.posted
    assert ["card-2"] * 3 == [(each.reference or {}).get("card") for each in shown]
    assert (await world.records.verify()).verified


async def test_a_server_that_dies_in_an_update_is_followed_by_one_that_makes_it(
    world: World,
) -> None:
    one, two, _ = asked = await together(world, "pay", "pay", "pay")
    await work(world)
    await world.vote(one, BEN)
    await world.vote(two, BEN)
    world.channel.failures.append(asyncio.CancelledError())  # type: ignore[arg-type]
    with pytest.raises(asyncio.CancelledError):
        await work(world)
    before = list(world.channel.updated)
    await later(world, 0.1)

    assert ([], ["card-1"]) == (before, world.channel.updated)
    statuses = {each.status for each in (world.channel.cards["card-1"].siblings)}
    assert {RequestStatus.APPROVED} == statuses
    assert [None] * 3 == [each.next_at for each in await rows(world, list(asked))]


async def test_of_two_servers_one_posts_the_message(world: World) -> None:
    """Each begins with another call, at the same time."""
    asked = await together(world, "pay", "pay", "pay", "pay")
    planned = await rows(world, asked)
    servers = [world.courier, *(world.composed().courier for _ in range(3))]
    await asyncio.gather(
        *(server.deliver(each.id) for server, each in zip(servers, planned, strict=True))
    )

    assert 1 == len(world.channel.posted)
    assert 1 == len({str(each.reference) for each in await rows(world, asked)})
