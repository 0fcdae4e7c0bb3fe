"""Stages: groups and named people, several open at once, and rejections that need company."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import NotAuthorisedError, StaleDigestError
from countersign.approvals.models import Request, RequestStatus, Result, Verdict
from tests.doubles.directory import BEN, CARA, DAVE, ERIN, acting, person
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
LEA = person("Lea", "legal")
FRED = person("Fred").model_copy(update={"groups": frozenset({"finance"})})
TOGETHER = [
    {"roles": ["manager"]},
    {"roles": ["legal"], "parallel": True},
    {"roles": ["controller"], "parallel": True},
    {"groups": ["finance"]},
]


async def asked(world: World, stages: Any, **more: Any) -> Request:
    world.directory.put(LEA)
    world.directory.put(FRED)
    world.use({"tools": {"quote": {"effect": "require_approval", "stages": stages, **more}}})
    (request,) = await world.asked()
    return request


async def vote(world: World, request: Request, who: Any, **more: Any) -> Request:
    return await world.vote(await world.now(request), who, **more)


def progress(world: World, steps: Any) -> list[tuple[bool, list[str], int, list[str]]]:
    return [
        (s.is_open, [v.principal_id for v in s.votes], s.missing, [p.id for p in s.could])
        for s in steps
    ]


async def test_parallel_stages_are_open_at_once_and_in_any_order(world: World) -> None:
    request = await asked(world, TOGETHER)
    with pytest.raises(NotAuthorisedError, match="This needs the role manager"):
        await vote(world, request, DAVE)
    await vote(world, request, BEN)
    second = await vote(world, request, DAVE)
    view = await world.records.view(request.id)

    assert (RequestStatus.PENDING, 1) == (second.status, second.stage)
    assert [
        (False, ["ben"], 0, []),
        (True, [], 1, ["lea"]),
        (False, ["dave"], 0, []),
        (False, [], 1, ["fred"]),
    ] == progress(world, view.steps)
    assert ["lea"] == [p.id for p in view.eligible]
    with pytest.raises(NotAuthorisedError, match="This needs the role legal"):
        await vote(world, request, CARA)
    assert 3 == (await vote(world, request, LEA)).stage
    assert RequestStatus.APPROVED is (await vote(world, request, FRED)).status
    run = await world.begin(request.session_id)
    assert not isinstance(await world.runs.claim(run, request.id, request.arguments), Result)


async def test_both_parallel_stages_are_shown_to_their_people(world: World) -> None:
    request = await asked(world, TOGETHER)
    await vote(world, request, BEN)

    shown = {d.target for d in await world.records.deliveries(request.id)}
    assert {"person:ben", "person:cara", "person:lea", "person:dave"} == shown
    for who, mine in ((LEA, 1), (DAVE, 1), (FRED, 0), (CARA, 0)):
        assert mine == len(await world.records.waiting_for(who)), who.id


async def test_people_of_a_group_and_named_ones_find_what_waits_for_them(world: World) -> None:
    request = await asked(world, [{"groups": ["finance"]}, {"people": ["erin"]}])

    assert [request.id] == [r.id for r in await world.records.waiting_for(FRED)]
    assert not await world.records.waiting_for(ERIN)
    await vote(world, request, FRED)
    assert [request.id] == [r.id for r in await world.records.waiting_for(ERIN)]
    with pytest.raises(NotAuthorisedError, match="This needs the name erin"):
        await vote(world, request, BEN)
    assert RequestStatus.APPROVED is (await vote(world, request, ERIN)).status


async def test_whoever_left_a_group_does_not_carry_the_approval(world: World) -> None:
    request = await asked(world, [{"groups": ["finance"]}])
    await vote(world, request, FRED)
    world.directory.put(FRED.model_copy(update={"groups": frozenset()}))
    run = await world.begin(request.session_id)

    result = await world.runs.claim(run, request.id, request.arguments)
    assert isinstance(result, Result)
    assert "Fred, who approved this, is no longer asked: it needs the group finance" in (
        result.message
    )


async def test_vote_counts_where_it_leaves_the_others_best_filled(world: World) -> None:
    """Ben could fill either; only he can fill the second."""
    ben = world.directory.set_roles("ben", "manager", "legal")
    stages = [{"roles": ["manager"], "parallel": True}, {"roles": ["legal"], "parallel": True}]
    request = await asked(world, stages)
    world.directory.remove("lea")
    await vote(world, request, ben)
    (given,) = await world.records.votes(request.id)

    assert 1 == given.stage
    assert RequestStatus.APPROVED is (await vote(world, request, CARA)).status


async def test_one_person_does_not_fill_two_parallel_stages(world: World) -> None:
    ben = world.directory.set_roles("ben", "manager", "legal")
    stages = [{"roles": ["manager"], "parallel": True}, {"roles": ["legal"], "parallel": True}]
    request = await asked(world, stages)
    await vote(world, request, ben)

    with pytest.raises(NotAuthorisedError, match="already voted"):
        await vote(world, request, ben)
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_one_person_fills_parallel_stages_where_the_rule_lets_them(world: World) -> None:
    ben = world.directory.set_roles("ben", "manager", "legal")
    stages = [{"roles": ["legal"], "parallel": True}, {"roles": ["manager"], "parallel": True}]
    request = await asked(world, stages, same_person=True)

    assert RequestStatus.APPROVED is (await vote(world, request, ben)).status


async def test_one_rejection_is_the_decision_unless_the_rule_says_otherwise(world: World) -> None:
    stages = [{"roles": ["manager", "controller"], "quorum": 2}]
    request = await asked(world, stages, rejects={"needed": 2})
    first = await vote(world, request, BEN, verdict=Verdict.REJECT)

    assert RequestStatus.PENDING is first.status
    with pytest.raises(NotAuthorisedError, match="already voted"):
        await vote(world, request, BEN)
    assert ["cara", "dave"] == [p.id for p in (await world.records.view(request.id)).eligible]
    await vote(world, request, CARA)
    assert RequestStatus.APPROVED is (await vote(world, request, DAVE)).status
    run = await world.begin(request.session_id)
    assert not isinstance(await world.runs.claim(run, request.id, request.arguments), Result)


async def test_second_rejection_is_the_decision(world: World) -> None:
    world.directory.set_roles("erin", "manager")
    request = await asked(world, [{"roles": ["manager"], "quorum": 1}], rejects={"needed": 2})
    await vote(world, request, BEN, verdict=Verdict.REJECT)
    rejected = await vote(world, request, CARA, verdict=Verdict.REJECT)

    assert RequestStatus.REJECTED is rejected.status
    assert rejected.decision is not None
    assert "cara" == rejected.decision.by


async def test_rejection_after_which_too_few_are_left_is_the_decision(world: World) -> None:
    request = await asked(world, [{"roles": ["manager"], "quorum": 2}], rejects={"needed": 2})

    assert (
        RequestStatus.REJECTED is (await vote(world, request, BEN, verdict=Verdict.REJECT)).status
    )


async def test_vote_for_another_step_than_was_asked_does_not_count(world: World) -> None:
    request = await asked(world, TOGETHER)
    await vote(world, request, BEN)

    with pytest.raises(StaleDigestError, match="is at step 2 now"):
        await vote(world, request, LEA, stage=0)
    assert 2 == (await vote(world, request, LEA, stage=1)).stage
    assert 3 == (await vote(world, request, DAVE, stage=1)).stage


async def test_tickets_stay_for_all_stages_of_a_step(world: World) -> None:
    request = await asked(world, TOGETHER)
    second = await vote(world, request, BEN)
    third = await vote(world, request, LEA)

    assert (1, 1, [1, 2]) == (second.step, third.step, list(second.open_stages))
    assert (2, [2]) == (third.stage, list(third.open_stages))


async def test_stranger_and_whoever_asked_fill_no_stage(world: World) -> None:
    request = await asked(world, [{"people": ["anna", "ben"]}])
    view = await world.records.view(request.id)

    assert ["ben"] == [person.id for person in view.eligible]
    with pytest.raises(NotAuthorisedError, match="asked for this yourself"):
        await vote(world, request, person("Anna"))
    assert acting(BEN).principal == BEN
