"""What is of low risk comes in one list, at the times at which its reader wants it."""

from __future__ import annotations

from datetime import time

import pytest

from countersign.approvals.delivery.quiet_times import HELD
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import DeliveryStatus, Digest, QuietHours, Request
from tests.approvals.decisions.test_steps import ASK, later, targets, work
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
TWICE = Digest(zone="UTC", at=(time(15), time(12)))
"""The tests begin at nine."""
LOW = {**ASK, "risk": "low", "deadline": "24h"}


async def asked(world: World, *risks: str, deadline: str = "24h") -> tuple[Request, ...]:
    """A request for each, for Ben, who reads lists."""
    world.directory.set_roles("cara")
    world.directory.put(BEN.model_copy(update={"digest": TWICE}))
    rules = {risk: {**LOW, "risk": risk, "deadline": deadline} for risk in risks}
    world.use({"tools": rules})
    found = await world.asked(*risks)
    await work(world)
    return found


async def again(world: World, tool: str = "low") -> Request:
    (request,) = await world.asked(tool)
    await work(world)
    return request


async def test_low_risk_comes_in_one_list_at_its_times(world: World) -> None:
    (one,) = await asked(world, "low")
    two = await again(world)
    (held,) = await world.records.deliveries(one.id)
    await later(world, 2.9)
    early = list(world.channel.lists)
    await later(world, 0.1)
    shown = [d for r in (one, two) for d in await world.records.deliveries(r.id)]
    kinds = await world.kinds(one.session_id)
    await later(world, 3)

    assert (HELD, []) == (held.error, early)
    assert [("person:ben", sorted([one.id, two.id]))] == [
        (to, sorted(ids)) for to, ids in world.channel.lists
    ]
    assert [] == world.channel.posted
    assert [DeliveryStatus.LIVE] * 2 == [d.status for d in shown]
    assert "delivered" in kinds
    assert (await world.records.verify()).verified


async def test_what_is_listed_is_decided_as_anything_else(world: World) -> None:
    (one,) = await asked(world, "low")
    await again(world)
    await later(world, 3)
    await world.vote(one, BEN)
    await work(world)

    assert 1 == len(world.channel.lists)
    assert [] == world.channel.posted


async def test_one_alone_is_shown_as_it_is(world: World) -> None:
    await asked(world, "low")
    await later(world, 3)

    assert (["person:ben"], []) == (targets(world), world.channel.lists)


async def test_what_is_of_more_risk_does_not_wait(world: World) -> None:
    await asked(world, "low", "high")

    assert ["person:ben"] == targets(world)


async def test_what_would_be_over_by_then_does_not_wait(world: World) -> None:
    await asked(world, "low", deadline="2h")

    assert ["person:ben"] == targets(world)


async def test_others_are_shown_cards(world: World) -> None:
    await asked(world, "low")
    world.directory.put(CARA)
    await again(world)

    assert ["person:cara"] == targets(world)


async def test_quiet_hours_hold_a_list(world: World) -> None:
    await asked(world, "low")
    quiet = QuietHours(zone="UTC", begins=time(11), ends=time(14))
    world.directory.put(BEN.model_copy(update={"digest": TWICE, "quiet": quiet}))
    await again(world)
    for _ in range(4):
        await later(world, 1)
    early = list(world.channel.lists)
    await later(world, 1)

    assert ([], 1) == (early, len(world.channel.lists))


async def test_a_list_that_cannot_be_sent_comes_later(world: World) -> None:
    (one,) = await asked(world, "low")
    two = await again(world)
    world.channel.failures.append(UnavailableError("Away."))
    await later(world, 3)
    nothing = (list(world.channel.lists), list(world.channel.posted))
    for _ in range(3):
        await later(world, 0.05)
    shown = {i for _, ids in world.channel.lists for i in ids}
    shown |= {request for request, _ in world.channel.posted}

    assert ([], []) == nothing
    assert {one.id, two.id} == shown


async def test_after_the_last_time_of_a_day_comes_the_first_of_the_next(world: World) -> None:
    world.clock.advance(hours=8)
    await asked(world, "low")
    await again(world)
    await later(world, 18)
    early = list(world.channel.lists)
    await later(world, 1)

    assert ([], 1) == (early, len(world.channel.lists))
