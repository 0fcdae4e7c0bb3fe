"""Somebody decides for somebody else, under both names, for a time, and never twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from countersign.approvals.errors import NotAuthorisedError
from countersign.approvals.models import (
    Delegation,
    Domain,
    People,
    Principal,
    Request,
    RequestStatus,
    Result,
    Scope,
    Verdict,
)
from countersign.approvals.models.delegations import cycle
from countersign.approvals.rules.delegation import reason_in_view
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, person
from tests.doubles.world import World

FAY = person("Fay")


def given(giver: Principal, delegate: Principal, **more: object) -> Delegation:
    return Delegation.model_validate({"giver": giver.id, "delegate": delegate.id, **more})


def stands_in(world: World, *delegations: Delegation) -> None:
    world.directory.put(FAY)
    world.directory.delegations = list(delegations)


async def test_a_delegate_decides_under_both_names(world: World) -> None:
    stands_in(world, given(BEN, ERIN))
    (request,) = await world.asked("quote")
    view = await world.records.view(request.id)
    mine = await world.records.waiting_for(ERIN)
    after = await world.vote(request, ERIN)
    (vote,) = await world.records.votes(request.id)
    voted = next(e for e in await world.records.ledger(request.session_id) if e.kind == "voted")

    assert [BEN.id, CARA.id, ERIN.id] == [each.id for each in view.eligible]
    assert [BEN.id, CARA.id, ERIN.id] == [each.id for each in view.steps[0].could]
    assert [request.id] == [each.id for each in mine]
    assert after.decision is not None
    assert ("Erin for Ben", ERIN.id) == (after.decision.by_name, after.decision.by)
    assert (ERIN.id, BEN.id, BEN.id) == (vote.principal_id, vote.on_behalf_of, vote.seat)
    assert ("Erin for Ben", "ben") == (voted.body["name"], voted.body["on_behalf_of"])

    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Request)
    assert (await world.records.verify()).verified


async def test_a_step_names_who_can_vote_for_somebody_else_once_it_is_open(world: World) -> None:
    stands_in(world, given(BEN, ERIN), given(CARA, DAVE), given(CARA, FAY))
    (request,) = await world.asked("pay")
    before = (await world.records.view(request.id)).steps
    await world.vote(request, ERIN)
    after = (await world.records.view(request.id)).steps

    assert ["ben", "cara", "dave", "erin", "fay"] == [each.id for each in before[0].could]
    assert "fay" not in [each.id for each in before[1].could]
    # Ben's place is taken, and Erin has voted.
    assert ["cara", "dave", "fay"] == [each.id for each in after[0].could]


async def test_whoever_decides_for_themselves_has_one_name(world: World) -> None:
    stands_in(world, given(BEN, CARA))
    (request,) = await world.asked("quote")
    await world.vote(request, CARA)
    (vote,) = await world.records.votes(request.id)
    voted = next(e for e in await world.records.ledger(request.session_id) if e.kind == "voted")

    assert ("Cara", "") == (vote.name, vote.on_behalf_of)
    assert "on_behalf_of" not in voted.body


async def test_of_a_person_and_their_delegate_one_counts(world: World) -> None:
    stands_in(world, given(BEN, ERIN), given(BEN, FAY))
    (request,) = await world.asked("pay")
    request = await world.vote(request, ERIN)
    for other, says in ((BEN, "stands in for you has already voted"), (FAY, "needs the role")):
        with pytest.raises(NotAuthorisedError, match=says):
            await world.vote(request, other)
    request = await world.vote(request, CARA)

    assert 1 == request.stage


async def test_who_has_voted_needs_no_delegate(world: World) -> None:
    stands_in(world, given(BEN, ERIN))
    (request,) = await world.asked("pay")
    request = await world.vote(request, BEN)
    view = await world.records.view(request.id)
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, ERIN)

    assert [CARA.id] == [each.id for each in view.eligible]


@pytest.mark.parametrize(
    ("starts_s", "ends_s", "counts"),
    [(None, None, True), (-60, 60, True), (60, None, False), (None, 0, False), (0, 1, True)],
)
async def test_a_delegation_holds_within_its_time(
    world: World, starts_s: int | None, ends_s: int | None, counts: bool
) -> None:
    now = world.clock.now()

    def at(seconds: int | None) -> datetime | None:
        return None if seconds is None else now + timedelta(seconds=seconds)

    stands_in(world, given(BEN, ERIN, starts_at=at(starts_s), ends_at=at(ends_s)))
    (request,) = await world.asked("quote")
    if counts:
        assert RequestStatus.APPROVED is (await world.vote(request, ERIN)).status
    else:
        with pytest.raises(NotAuthorisedError):
            await world.vote(request, ERIN)


async def test_a_delegation_is_about_some_roles(world: World) -> None:
    both = BEN.model_copy(update={"roles": frozenset({"manager", "controller"})})
    world.directory.put(both)
    stands_in(world, given(both, ERIN, roles=["controller"]))
    (request,) = await world.asked("quote")
    with pytest.raises(NotAuthorisedError, match="needs the role manager"):
        await world.vote(request, ERIN)


async def test_a_delegate_has_no_more_than_the_giver_for_this_call(world: World) -> None:
    scope = Scope(domains=frozenset({"finance"}))
    limited = BEN.model_copy(update={"scopes": {"manager": (scope,)}})
    world.directory.put(limited)
    world.directory.domains = {"finance": Domain(tools=frozenset({"pay"}))}
    stands_in(world, given(limited, ERIN))
    (request,) = await world.asked("quote")
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, ERIN)


async def test_a_chain_has_two_links_at_most(world: World) -> None:
    stands_in(world, given(BEN, DAVE), given(DAVE, ERIN), given(ERIN, FAY))
    (one,) = await world.asked("quote")
    with pytest.raises(NotAuthorisedError):
        await world.vote(one, FAY)
    after = await world.vote(one, ERIN)

    assert after.decision is not None
    assert "Erin for Ben" == after.decision.by_name


async def test_a_chain_is_about_what_all_of_its_links_are_about(world: World) -> None:
    both = BEN.model_copy(update={"roles": frozenset({"manager", "controller"})})
    world.directory.put(both)
    one = given(both, DAVE, roles=["manager"])
    stands_in(world, one, given(DAVE, ERIN, roles=["controller"]))
    (request,) = await world.asked("quote")
    with pytest.raises(NotAuthorisedError, match="needs the role manager"):
        await world.vote(request, ERIN)

    stands_in(world, one, given(DAVE, ERIN, roles=["controller", "manager"]))

    assert RequestStatus.APPROVED is (await world.vote(request, ERIN)).status


async def test_who_is_shown_it_for_somebody_else_may_vote_on_it(world: World) -> None:
    stands_in(world, given(BEN, ERIN))
    (request,) = await world.asked("quote")
    view = await world.records.view(request.id)
    found = [reason_in_view(view, who) for who in (BEN, ERIN, FAY)]

    assert [None, None, "This needs the role manager."] == found


async def test_whoever_stands_in_for_the_requester_decides_nothing_of_theirs(world: World) -> None:
    stands_in(world, given(ANNA, BEN), given(CARA, BEN))
    (request,) = await world.asked("quote")
    view = await world.records.view(request.id)
    with pytest.raises(NotAuthorisedError, match="You stand in for Anna, who asked for this"):
        await world.vote(request, BEN)

    assert [CARA.id] == [each.id for each in view.eligible]


async def test_nobody_is_left_where_only_the_requesters_delegate_is(world: World) -> None:
    world.directory.set_roles("cara")
    stands_in(world, given(ANNA, BEN))
    (request,) = await world.asked("quote")

    assert RequestStatus.PENDING is not request.status


async def test_the_requester_cannot_decide_by_standing_in_for_somebody(world: World) -> None:
    stands_in(world, given(BEN, ANNA))
    (request,) = await world.asked("quote")
    with pytest.raises(NotAuthorisedError, match="You asked for this yourself"):
        await world.vote(request, ANNA)


async def approved_by_delegate(world: World) -> Request:
    stands_in(world, given(BEN, ERIN, ends_at=world.clock.now() + timedelta(minutes=5)))
    (request,) = await world.asked("quote")
    return await world.vote(request, ERIN)


async def test_a_delegation_that_has_ended_since_has_held_when_it_counted(world: World) -> None:
    request = await approved_by_delegate(world)
    world.clock.advance(minutes=10)
    run = await world.begin(request.session_id)

    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Request)


@pytest.mark.parametrize("what", ["withdrawn", "giver", "delegate", "role"])
async def test_what_was_taken_back_counts_at_the_claim(world: World, what: str) -> None:
    request = await approved_by_delegate(world)
    if what == "withdrawn":
        world.directory.delegations = []
    elif what == "role":
        world.directory.set_roles("ben")
    else:
        world.directory.remove({"giver": "ben", "delegate": "erin"}[what])
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Result)
    assert "Erin for Ben, who approved this," in claimed.message


async def test_an_edit_by_a_delegate_counts_for_the_giver(world: World) -> None:
    stands_in(world, given(BEN, ERIN))
    (request,) = await world.asked("quote")
    after = await world.vote(
        request, ERIN, Verdict.MODIFY, arguments={"customer": "Contoso", "amount": 1}
    )

    assert RequestStatus.APPROVED is after.status
    assert after.decision is not None
    assert "Erin for Ben" == after.decision.by_name


async def test_a_giver_who_is_needed_later_is_not_used_up(world: World) -> None:
    both = BEN.model_copy(update={"roles": frozenset({"manager", "controller"})})
    world.directory.put(both)
    for name in ("cara", "dave"):
        world.directory.set_roles(name)
    world.directory.set_roles("root", "manager")
    stages = [{"roles": ["manager"]}, {"roles": ["controller"]}]
    world.change_rule("pay", {"effect": "require_approval", "stages": stages})
    stands_in(world, given(both, ERIN))
    (request,) = await world.asked("pay")
    with pytest.raises(NotAuthorisedError, match="too few people"):
        await world.vote(request, ERIN)


def test_circles_are_found_where_their_times_meet() -> None:
    one, two = (
        datetime.fromisoformat("2026-12-01T00:00Z"),
        datetime.fromisoformat("2026-12-09T00:00Z"),
    )
    circle = [given(BEN, CARA), given(CARA, DAVE), given(DAVE, BEN)]

    assert [BEN.id, CARA.id, DAVE.id, BEN.id] == cycle(circle)
    assert [] == cycle([given(BEN, CARA), given(CARA, DAVE), given(BEN, DAVE)])
    assert [] == cycle([given(BEN, CARA, ends_at=one), given(CARA, BEN, starts_at=two)])
    assert [] != cycle([given(BEN, CARA, ends_at=two), given(CARA, BEN, starts_at=one)])


def test_without_delegations_people_stay_as_they_are() -> None:
    people = People([BEN, CARA])
    now = datetime.fromisoformat("2026-12-01T00:00Z")

    assert people is people.at(now)
    assert [] == people.givers(BEN.id)
    assert not people.stood_in(BEN.id, CARA.id, now)
    assert not people.has_delegations
