"""Recorded calls by time, with what became of them, on each database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from countersign.approvals.models import Verdict
from countersign.approvals.rules.simulation.recorded import Heard, Recorded
from countersign.approvals.store import history
from tests.approvals.decisions.test_steps import later
from tests.doubles.directory import ANNA, BEN, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio

ALWAYS = timedelta(days=300)


async def recorded(world: World, *, most: int = 100) -> Sequence[Recorded]:
    """All calls, by pages of at least `most`."""
    now = world.clock.now()
    span = history.Span(now - ALWAYS, now + ALWAYS)
    found: list[Recorded] = []
    place = history.START
    while page := await world.store.read(
        lambda c, place=place: history.read(c, span, place, most=most)  # type: ignore[misc]
    ):
        found += page
        place = history.place_of(page[-1])
    assert len(found) == await world.store.read(lambda c: history.count(c, span))
    return found


async def test_each_end_of_a_call_is_told_apart(world: World) -> None:
    _, executing = await world.executing()
    (rejected,) = await world.asked()
    await world.vote(rejected, verdict=Verdict.REJECT)
    (changed,) = await world.asked()
    await world.approvals.vote(
        changed.id, acting(BEN), verdict=Verdict.MODIFY, arguments={"customer": "Contoso",
        "amount": 90}, comment="", digest=changed.digest,
    )  # fmt: skip
    _, revoked = await world.approved()
    await world.approvals.revoke(revoked.id, acting(BEN), reason="The wrong customer.")
    (ended,) = await world.asked()
    await world.approvals.cancel(ended.session_id, acting(ANNA))
    (allowed,) = await world.asked("look")
    (denied,) = await world.asked("drop")
    (expired,) = await world.asked()
    await later(world, 2)
    (pending,) = await world.asked()
    found = {each.id: each for each in await recorded(world)}

    heard = {key: each.heard for key, each in found.items()}
    assert {
        executing.id: Heard.APPROVED,
        rejected.id: Heard.REJECTED,
        changed.id: Heard.CHANGED,
        revoked.id: Heard.REVOKED,
        ended.id: Heard.ENDED,
        allowed.id: Heard.NOBODY,
        denied.id: Heard.NOBODY,
        expired.id: Heard.EXPIRED,
        pending.id: Heard.OPEN,
    } == heard
    assert {executing.id} == {key for key, each in found.items() if each.ran}
    assert ("Ben", timedelta(0)) == (found[rejected.id].by, found[rejected.id].waited)
    assert ("", None) == (found[expired.id].by, found[expired.id].waited)
    assert 100 == found[changed.id].call.arguments["amount"]
    assert ("sales", "anna") == (found[allowed.id].workflow, found[allowed.id].requester)


async def test_an_approval_that_came_to_nothing_is_no_answer_against_it(world: World) -> None:
    _, request = await world.approved()
    await world.approvals.cancel(request.session_id, acting(ANNA))
    (found,) = await recorded(world)

    assert (Heard.ENDED, False, "Ben") == (found.heard, found.ran, found.by)


async def test_pages_end_between_moments_and_lose_and_repeat_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 2)
    for number in range(7):
        run = await world.begun()
        await world.submit(run, "look", "drop", "quote")
        if number % 2:
            world.clock.advance(1)
        await asyncio.sleep(0)
    whole = await recorded(world)
    parts = await recorded(world, most=2)

    assert 21 == len(whole)
    assert [each.id for each in whole] == [each.id for each in parts]
    assert [each.at for each in whole] == sorted(each.at for each in whole)


async def test_what_people_typed_and_what_is_of_another_time_is_left_out(world: World) -> None:
    run = await world.begun()
    await world.submit(run, world.question(run.session.id))
    await world.asked("look")
    now = world.clock.now()
    span = history.Span(now - ALWAYS, now)

    assert 1 == len(await recorded(world))
    assert [] == await world.store.read(lambda c: history.read(c, span, history.START, most=9))


async def test_the_newest_calls_of_each_status_begin_a_shorter_span(world: World) -> None:
    asked = []
    for _ in range(4):
        (request,) = await world.asked()
        asked.append(request)
        world.clock.advance(60)
    await world.vote(asked[0], BEN, Verdict.REJECT)
    now = world.clock.now()
    span = history.Span(now - ALWAYS, now)
    two, ten = [
        await world.store.read(lambda c, most=most: history.newest(c, span, most=most))  # type: ignore[misc]
        for most in (2, 10)
    ]

    assert (asked[2].created_at, now) == two
    assert span == ten
