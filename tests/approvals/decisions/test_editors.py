"""Whoever changes a call to something above a limit of its rule decides nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import NotAuthorisedError
from countersign.approvals.models import (
    Cause,
    Delegation,
    Principal,
    Request,
    RequestStatus,
    Result,
    Verdict,
)
from countersign.approvals.rules.segregation import editors_of
from tests.doubles.directory import BEN, CARA, DAVE, ERIN, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
ASKS: dict[str, Any] = {"effect": "require_approval", "roles": ["manager"]}
BAND = {"edits": {"without_editor_above": "args.amount > 100"}}


def quote(amount: int, customer: str = "Contoso") -> dict[str, Any]:
    return {"customer": customer, "amount": amount}


async def asked(world: World, amount: int = 90, **rule: Any) -> Request:
    world.use({"tools": {"quote": {**ASKS, **BAND, **rule}}})
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", quote(amount)))
    return request


async def edit(world: World, request: Request, amount: int, who: Principal = BEN) -> Request:
    return await world.vote(request, who, Verdict.MODIFY, arguments=quote(amount))


async def claimed(world: World, request: Request) -> Any:
    run = await world.begin(request.session_id)
    return await world.runs.claim(run, request.id, (await world.now(request)).arguments)


def lends(world: World, giver: Principal, delegate: Principal) -> None:
    world.directory.delegations = [Delegation(giver=giver.id, delegate=delegate.id)]


async def test_an_edit_above_the_limit_counts_as_no_approval_and_keeps_its_editor_out(
    world: World,
) -> None:
    request = await asked(world)
    edited = await edit(world, request, 200)
    view = await world.records.view(request.id)

    assert (RequestStatus.PENDING, 2, 0) == (edited.status, edited.revision, edited.stage)
    assert [] == await world.records.votes(request.id)
    assert ("ben",) == editors_of(edited.stages)
    assert [CARA.id] == [person.id for person in view.eligible]
    assert [CARA.id] == [person.id for person in view.steps[0].could]
    assert [] == list(await world.records.waiting_for(BEN))
    assert (
        "Ben changed the arguments, and above the limit of its rule who does decides nothing."
        == edited.asked_again
    )
    for verdict in Verdict.APPROVE, Verdict.REJECT:
        with pytest.raises(NotAuthorisedError, match="You have changed this call"):
            await world.vote(edited, BEN, verdict)
    with pytest.raises(NotAuthorisedError, match="You have changed this call"):
        await edit(world, edited, 80)

    decided = await world.vote(edited, CARA)
    assert RequestStatus.APPROVED is decided.status
    assert RequestStatus.EXECUTING is (await claimed(world, decided)).status


async def test_an_edit_below_the_limit_counts_as_before(world: World) -> None:
    request = await asked(world)
    edited = await edit(world, request, 95)

    assert RequestStatus.APPROVED is edited.status
    assert ("ben",) == editors_of(edited.stages)
    assert RequestStatus.EXECUTING is (await claimed(world, edited)).status


async def test_a_call_proposed_above_the_limit_is_approved_unchanged_as_ever(world: World) -> None:
    request = await asked(world, 200)

    assert RequestStatus.APPROVED is (await world.vote(request, BEN)).status


async def test_it_is_said_before_and_nothing_is_written(world: World) -> None:
    request = await asked(world)
    foreseen = await world.approvals.foresee(
        request.id, acting(BEN), digest=request.digest, arguments=quote(200)
    )

    assert (
        "With amount 200 Cara can decide it, and you cannot: its rule keeps out who makes such a "
        "change." == foreseen.others
    )
    assert foreseen.held
    assert [["cara"]] == [[person.id for person in step.could] for step in foreseen.steps]
    assert request == await world.now(request)


async def test_who_has_changed_it_before_is_kept_out_with_who_takes_it_above(world: World) -> None:
    """Else one would write the payee, and the other the amount."""
    request = await asked(world, stages=[{"roles": ["manager"], "quorum": 2}], roles=[])
    below = await edit(world, request, 95)
    dave, erin = (
        each.model_copy(update={"roles": frozenset({"manager"})}) for each in (DAVE, ERIN)
    )
    world.directory.put(dave)
    world.directory.put(erin)
    above = await edit(world, below, 300, CARA)

    assert ("ben", "cara") == editors_of(above.stages)
    with pytest.raises(NotAuthorisedError, match="You have changed this call"):
        await world.vote(above, BEN)
    first = await world.vote(above, dave)
    assert RequestStatus.APPROVED is (await world.vote(first, erin)).status


async def test_a_change_back_below_the_limit_lets_them_decide_again(world: World) -> None:
    request = await asked(world)
    above = await edit(world, request, 300)
    back = await edit(world, above, 95, CARA)

    assert RequestStatus.APPROVED is back.status


async def test_an_edit_that_leaves_nobody_is_refused_and_says_why(world: World) -> None:
    request = await asked(world)
    world.directory.set_roles("cara")

    with pytest.raises(
        NotAuthorisedError,
        match=r"With these arguments you may not decide it: .* nobody, as Ben changed it",
    ):
        await edit(world, request, 200)
    assert request == await world.now(request)


async def test_nobody_else_in_another_step_is_let_out_or_kept_out(world: World) -> None:
    stages = [{"roles": ["manager"]}, {"roles": ["controller", "manager"]}]
    request = await asked(world, roles=[], stages=stages)
    edited = await edit(world, request, 200)
    first = await world.vote(edited, CARA)

    with pytest.raises(NotAuthorisedError, match="You have changed this call"):
        await world.vote(first, BEN)
    assert RequestStatus.APPROVED is (await world.vote(first, DAVE)).status


async def test_who_stands_in_for_the_editor_is_kept_out(world: World) -> None:
    edited = await edit(world, await asked(world), 200)
    lends(world, BEN, ERIN)
    with pytest.raises(NotAuthorisedError, match="You stand in for Ben, who has changed this call"):
        await world.vote(edited, ERIN)
    lends(world, BEN, CARA)
    with pytest.raises(NotAuthorisedError, match="You stand in for Ben, who has changed this call"):
        await world.vote(edited, CARA)


async def test_an_edit_for_somebody_else_keeps_both_out(world: World) -> None:
    request = await asked(world)
    lends(world, BEN, ERIN)
    edited = await edit(world, request, 200, ERIN)

    assert ("erin", "ben") == editors_of(edited.stages)
    lends(world, CARA, DAVE)
    with pytest.raises(NotAuthorisedError, match="You have changed this call"):
        await world.vote(edited, BEN)
    assert RequestStatus.APPROVED is (await world.vote(edited, DAVE)).status


async def test_at_the_claim_it_holds_for_who_stands_in_by_then(world: World) -> None:
    decided = await world.vote(await edit(world, await asked(world), 200), CARA)
    lends(world, BEN, CARA)
    ended = await claimed(world, decided)

    assert isinstance(ended, Result)
    assert Cause.DRIFT is ended.cause
    assert "Cara, who approved this, stands in for Ben." in ended.message


async def test_a_limit_that_came_with_another_policy_is_asked_again(world: World) -> None:
    """Nobody knows any more who has changed the call: nobody who has can count alone."""
    world.use({"tools": {"quote": {**ASKS, "stages": [{"roles": ["manager"]}], "roles": []}}})
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", quote(90)))
    approved = await edit(world, request, 200)
    world.use({"tools": {"quote": {**ASKS, **BAND}}})
    await world.approvals.ask_again_what_changed()
    again = await claimed(world, approved)

    assert RequestStatus.APPROVED is approved.status
    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2) == (again.status, again.stages[0].quorum)
    assert again.stages[0].without_editors


async def test_who_stands_in_for_whoever_asked_is_found_at_the_claim(world: World) -> None:
    decided = await world.vote(await asked(world), BEN)
    anna = world.directory.by_id("anna")
    assert anna is not None
    lends(world, anna, BEN)
    ended = await claimed(world, decided)

    assert isinstance(ended, Result)
    assert "Ben, who approved this, stands in for Anna, who asked." in ended.message


async def test_an_editor_neither_settles_what_became_of_it_nor_grants_it(world: World) -> None:
    decided = await world.vote(await edit(world, await asked(world), 200), CARA)
    ran = await claimed(world, decided)
    world.clock.advance(30)
    await world.begin(ran.session_id)

    with pytest.raises(NotAuthorisedError, match="You have changed this call"):
        await world.approvals.resolve(ran.id, acting(BEN), happened=True, note="Looked.")
