"""Whether oversight is real: what is counted, of whom, and who may know, on each database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from countersign.approvals.errors import InvalidError, NotAuthorisedError
from countersign.approvals.models import Principal, Verdict, Via
from countersign.approvals.records import oversight
from countersign.approvals.rules.oversight import Figures, Report
from countersign.approvals.store import oversight as rows
from tests.approvals.decisions.test_steps import later
from tests.doubles.directory import BEN, CARA, DAVE, ROOT, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def figures(world: World, by: Principal | None = ROOT) -> Report:
    world.clock.advance(1)
    return await world.records.oversight.report(by)


def told(of: Figures) -> tuple[int, int, int, int, int]:
    return of.votes, of.approvals, of.edits, of.rejections, of.fast


async def test_nobody_has_decided_anything_yet(world: World) -> None:
    await world.asked("look")
    (waiting,) = await world.asked()
    found = await figures(world)

    assert (1, True, 0) == (found.requests, found.complete, found.expired)
    assert (0, None, None) == (found.total.votes, found.total.median_s, found.total.fast_share)
    assert [(waiting.rule_id, 0)] == [(each.id, each.votes) for each in found.rules]
    assert () == found.people


async def test_votes_are_counted_by_rule_channel_and_person(world: World) -> None:
    for waits_s, who, verdict in (
        (2, BEN, Verdict.APPROVE),
        (60, BEN, Verdict.APPROVE),
        (10, CARA, Verdict.REJECT),
        (2, CARA, Verdict.REJECT),  # a fast no is no sign of anything
    ):
        (request,) = await world.asked()
        world.clock.advance(waits_s)
        await world.vote(request, who, verdict)
    (changed,) = await world.asked()
    world.clock.advance(100)
    await world.approvals.vote(
        changed.id, acting(CARA, Via("inbox")), verdict=Verdict.MODIFY, comment="",
        arguments={"customer": "Contoso", "amount": 90}, digest=changed.digest,
    )  # fmt: skip
    (_expired,) = await world.asked()
    await later(world, 2)
    found = await figures(world)
    people = {each.id: each for each in found.people}
    channels = {each.id: told(each) for each in found.channels}

    assert (6, 1) == (found.requests, found.expired)
    assert (5, 3, 1, 2, 1) == told(found.total)
    assert (10.0, 0.3333, 0.4, 0.2) == (
        found.total.median_s, found.total.fast_share, found.total.rejected_share,
        found.total.edited_share,
    )  # fmt: skip
    assert ((2, 2, 0, 0, 1), "Ben") == (told(people["ben"]), people["ben"].name)
    assert (3, 1, 1, 2, 0) == told(people["cara"])
    assert {"teams": (4, 2, 0, 2, 1), "inbox": (1, 1, 1, 0, 0)} == channels
    assert [(5, 1)] == [(each.votes, each.expired) for each in found.rules]


async def test_whoever_comes_later_can_have_looked_since_the_vote_before(world: World) -> None:
    (request,) = await world.asked("wire")
    world.clock.advance(3600)
    await world.vote(request, BEN)
    world.clock.advance(2)
    await world.vote(request, DAVE)
    found = await figures(world)
    fast = {each.id: (each.fast, each.median_s) for each in found.people}

    assert {"ben": (0, 3600.0), "dave": (1, 2.0)} == fast


async def test_only_administrators_read_how_single_people_decide(world: World) -> None:
    for person in (BEN, CARA):
        with pytest.raises(NotAuthorisedError, match="Only administrators"):
            await figures(world, person)
    assert not world.records.oversight.may(BEN)
    assert world.records.oversight.may(ROOT)
    assert 0 == (await figures(world, None)).requests


async def test_a_time_is_looked_at_from_its_beginning_to_before_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for _ in range(5):
        (request,) = await world.asked()
        await world.vote(request, BEN)
        asked.append(request.created_at)
        world.clock.advance(60)
    report = world.records.oversight.report
    some = await report(ROOT, asked[1], asked[3])
    monkeypatch.setattr(oversight, "NEWEST", 3)
    monkeypatch.setattr(rows, "AT_ONCE", 2)
    newest = await report(ROOT, asked[0])

    assert (2, 2, True) == (some.requests, some.total.votes, some.complete)
    assert (3, 3, False) == (newest.requests, newest.total.votes, newest.complete)
    monkeypatch.setattr(rows, "LOOKED", 1)
    fewest = await report(ROOT, asked[0])
    assert (2, False) == (fewest.requests, fewest.complete)
    with pytest.raises(InvalidError, match="is not before"):
        await report(ROOT, asked[1], asked[1])
    old = await report(ROOT, None, asked[0] - timedelta(days=1))
    assert 0 == old.requests
