"""What an edit costs: it lets nobody out whom the call needed, and says whom it brings in."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.errors import (
    AlreadyDecidedError,
    DeniedByPolicyError,
    InvalidError,
    NotAuthorisedError,
    StaleDigestError,
)
from countersign.approvals.models import Request, RequestStatus, Verdict
from tests.doubles.directory import BEN, CARA, DAVE, ERIN, acting, person
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
ASKS = {"tool": "quote", "effect": "require_approval"}
BANDS: dict[str, Any] = {
    "rules": [
        {"id": "huge", "tool": "quote", "when": "args.amount > 1000", "effect": "deny",
         "reason": "Nobody may quote more than 1,000."},
        {"id": "large", "when": "args.amount > 100", "deadline": "1h", "risk": "high", **ASKS,
         "stages": [{"roles": ["manager"]}, {"roles": ["controller"]}]},
        {"id": "small", "roles": ["manager"], "deadline": "2h", "risk": "low", **ASKS},
    ]
}  # fmt: skip


def quote(amount: Any) -> dict[str, Any]:
    return {"customer": "Contoso", "amount": amount}


async def asked(world: World, amount: int, rules: Any = BANDS) -> Request:
    world.use(rules)
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", quote(amount)))
    return request


async def edit(world: World, request: Request, amount: Any, who: Any = BEN, **more: Any) -> Request:
    return await world.vote(request, who, Verdict.MODIFY, arguments=quote(amount), **more)


async def ran(world: World, request: Request) -> bool:
    run = await world.begin(request.session_id)
    now = await world.now(request)
    claimed = await world.runs.claim(run, request.id, now.arguments)
    return isinstance(claimed, Request) and claimed.status is RequestStatus.EXECUTING


async def test_edit_to_a_smaller_amount_still_needs_whom_the_proposed_one_needs(
    world: World,
) -> None:
    request = await asked(world, 200)
    edited = await edit(world, request, 90)
    decided = await world.vote(edited, DAVE)

    assert (RequestStatus.PENDING, "small") == (edited.status, edited.rule_id)
    assert [("manager",), ("controller",)] == [stage.roles for stage in edited.stages]
    assert ("high", request.expires_at) == (edited.risk, edited.expires_at)
    assert "As it was proposed, large rules on it as well." in edited.reason
    assert RequestStatus.APPROVED is decided.status
    assert await ran(world, decided)


async def test_two_edits_in_steps_fall_no_deeper_than_one(world: World) -> None:
    request = await asked(world, 200)
    once = await edit(world, request, 150)
    twice = await edit(world, once, 50, DAVE)

    assert [("manager",), ("controller",)] == [stage.roles for stage in twice.stages]
    assert request.arguments == twice.proposed_arguments


async def test_edit_over_a_band_brings_in_the_next_stage(world: World) -> None:
    request = await asked(world, 90)
    edited = await edit(world, request, 200)

    assert (RequestStatus.PENDING, 1, "large") == (edited.status, edited.stage, edited.rule_id)
    assert ["ben"] == [v.principal_id for v in await world.records.votes(request.id)][-1:]
    assert RequestStatus.APPROVED is (await world.vote(edited, DAVE)).status


async def test_what_an_edit_brings_in_is_said_before_and_nothing_is_written(world: World) -> None:
    request = await asked(world, 90)
    edit = await world.approvals.foresee(
        request.id, acting(BEN), digest=request.digest, arguments=quote(200)
    )

    assert "With amount 200 the controller decides as well." == edit.others
    assert [("manager", 1), ("controller", 1)] == [
        (step.stage.roles[0], step.missing) for step in edit.steps
    ]
    assert not edit.held
    assert request == await world.now(request)
    assert ["session_started", "proposed"] == await world.kinds(request.session_id)


async def test_nothing_is_foreseen_of_an_edit_that_asks_the_same_people(world: World) -> None:
    request = await asked(world, 90)

    for arguments in (quote(80), request.arguments):
        edit = await world.approvals.foresee(
            request.id, acting(BEN), digest=request.digest, arguments=arguments
        )
        assert "" == edit.others


async def test_edit_counts_for_nobody_who_was_not_told_who_else_decides(world: World) -> None:
    request = await asked(world, 90)
    held = await edit(world, request, 200, foreseen="")

    assert (2, 0, RequestStatus.PENDING) == (held.revision, held.stage, held.status)
    assert "With amount 200 the controller decides as well." == held.asked_again
    assert [] == await world.records.votes(request.id)
    assert RequestStatus.PENDING is (await world.vote(held)).status
    assert RequestStatus.APPROVED is (await world.vote(await world.now(held), DAVE)).status


async def test_edit_counts_with_what_was_foreseen_and_not_with_something_else(
    world: World,
) -> None:
    request = await asked(world, 90)
    told = await world.approvals.foresee(
        request.id, acting(BEN), digest=request.digest, arguments=quote(200)
    )
    other = await edit(world, request, 300, foreseen=told.after.digest)
    again = await asked(world, 90)
    told = await world.approvals.foresee(
        again.id, acting(BEN), digest=again.digest, arguments=quote(200)
    )
    counted = await edit(world, again, 200, foreseen=told.after.digest)

    assert (0, []) == (other.stage, await world.records.votes(request.id))
    assert 1 == counted.stage


async def test_edit_that_the_policy_denies_is_refused_with_the_reason_of_the_rule(
    world: World,
) -> None:
    request = await asked(world, 90)

    with pytest.raises(DeniedByPolicyError, match="Nobody may quote more than 1,000"):
        await edit(world, request, 2000)
    with pytest.raises(DeniedByPolicyError, match="Nobody may quote more than 1,000"):
        await world.approvals.foresee(
            request.id, acting(BEN), digest=request.digest, arguments=quote(2000)
        )
    assert request == await world.now(request)


async def test_whoever_decides_a_later_step_may_change_it_and_it_begins_anew(world: World) -> None:
    request = await world.vote(await asked(world, 200))
    edited = await edit(world, request, 150, DAVE)

    assert (2, 0) == (edited.revision, edited.stage)
    assert "Dave changed the arguments, so it is asked from its first step on." == (
        edited.asked_again
    )
    assert [1] == [v.revision for v in await world.records.votes(request.id)]
    await world.vote(edited, CARA)
    assert RequestStatus.APPROVED is (await world.vote(await world.now(edited), DAVE)).status


async def test_edit_at_a_later_step_is_refused_where_nobody_could_fill_the_first(
    world: World,
) -> None:
    request = await world.vote(await asked(world, 200))
    world.directory.set_roles("ben")
    world.directory.set_roles("cara")

    with pytest.raises(NotAuthorisedError, match="With these arguments you may not decide it"):
        await edit(world, request, 150, DAVE)


@pytest.mark.parametrize("amount", [90, 200])
async def test_rule_may_forbid_edits(world: World, amount: int) -> None:
    """Also those that would make its call of another one."""
    large = {**BANDS["rules"][1], "edits": False}
    request = await asked(world, amount, {"rules": [large, BANDS["rules"][2]]})

    with pytest.raises(DeniedByPolicyError, match="rule large does not let its calls be changed"):
        await edit(world, request, 290 - amount)


async def test_whoever_edits_above_a_band_does_not_count_alone(world: World) -> None:
    rule = {**BANDS["rules"][2], "edits": {"second_person_above": "args.amount > 50"}}
    request = await asked(world, 90, {"rules": [rule]})
    below = await edit(world, request, 40)
    request = await asked(world, 90, {"rules": [rule]})
    told = await world.approvals.foresee(
        request.id, acting(BEN), digest=request.digest, arguments=quote(95)
    )
    above = await edit(world, request, 95)

    assert RequestStatus.APPROVED is below.status
    assert "With amount 95 2 people have to approve as manager, not 1." == told.others
    assert (RequestStatus.PENDING, 2) == (above.status, above.stages[0].quorum)
    with pytest.raises(NotAuthorisedError, match="already voted"):
        await world.vote(above, BEN)
    assert RequestStatus.APPROVED is (await world.vote(above, CARA)).status
    assert await ran(world, above)


async def test_two_stages_are_two_people_already(world: World) -> None:
    large = {**BANDS["rules"][1], "edits": {"second_person_above": "args.amount > 50"}}
    request = await asked(world, 200, {"rules": [large]})
    edited = await edit(world, request, 300)

    assert [1, 1] == [stage.quorum for stage in edited.stages]


async def test_band_that_cannot_be_decided_denies(world: World) -> None:
    rule = {**ASKS, "roles": ["manager"], "id": "odd",
            "edits": {"second_person_above": "1 / (args.amount - 95) > 0"}}  # fmt: skip
    request = await asked(world, 90, {"rules": [rule]})

    with pytest.raises(DeniedByPolicyError, match="rule odd cannot be decided"):
        await edit(world, request, 95)


async def test_edited_request_is_not_asked_again_by_itself(world: World) -> None:
    request = await asked(world, 200)
    edited = await edit(world, request, 90)
    world.use({**BANDS, "tools": {"look": "allow"}})

    assert 0 == await world.approvals.ask_again_what_changed()
    assert edited == await world.now(edited)


async def test_edited_request_is_asked_again_when_the_proposed_call_needs_others(
    world: World,
) -> None:
    request = await asked(world, 200)
    edited = await edit(world, request, 90)
    large = {**BANDS["rules"][1], "stages": [{"roles": ["controller"], "quorum": 1}]}
    world.use({"rules": [BANDS["rules"][0], large, BANDS["rules"][2]]})

    assert 1 == await world.approvals.ask_again_what_changed()
    now = await world.now(edited)
    assert (3, [("controller",), ("manager",)]) == (now.revision, [s.roles for s in now.stages])


@pytest.mark.parametrize(
    ("verdict", "arguments"), [(Verdict.APPROVE, None), (Verdict.MODIFY, quote(80))]
)
async def test_rule_may_ask_for_a_comment_with_every_approval(
    world: World, verdict: Verdict, arguments: Any
) -> None:
    request = await asked(world, 90, {"rules": [{**BANDS["rules"][2], "comment": "required"}]})

    with pytest.raises(InvalidError, match="Say why you approve this"):
        await world.vote(request, BEN, verdict, arguments=arguments, comment=" ")
    decided = await world.vote(request, BEN, verdict, arguments=arguments, comment="As agreed.")
    assert RequestStatus.APPROVED is decided.status


async def test_edit_into_a_rule_that_asks_for_a_comment_needs_one(world: World) -> None:
    large = {**BANDS["rules"][1], "comment": "required"}
    request = await asked(world, 90, {"rules": [large, BANDS["rules"][2]]})

    with pytest.raises(InvalidError, match="Say why you approve this"):
        await edit(world, request, 200)
    assert request == await world.now(request)


async def test_foreseeing_is_refused_like_the_vote_itself(world: World) -> None:
    request = await asked(world, 90)
    approvals, arguments = world.approvals, quote(80)

    with pytest.raises(NotAuthorisedError, match="needs the role manager"):
        await approvals.foresee(
            request.id, acting(ERIN), digest=request.digest, arguments=arguments
        )
    with pytest.raises(StaleDigestError, match="another digest"):
        await approvals.foresee(request.id, acting(BEN), digest="0" * 64, arguments=arguments)
    lone = person("Lone", "manager")
    world.directory.put(lone)
    world.directory.remove("dave")
    with pytest.raises(NotAuthorisedError, match="With these arguments you may not decide it"):
        await approvals.foresee(
            request.id, acting(lone), digest=request.digest, arguments=quote(200)
        )
    await world.vote(request)
    with pytest.raises(AlreadyDecidedError):
        await approvals.foresee(request.id, acting(BEN), digest=request.digest, arguments=arguments)


async def test_question_has_nothing_to_foresee(world: World) -> None:
    world.use(BANDS)
    run = await world.begun()
    (question,) = await world.submit(run, world.question(run.session.id))

    with pytest.raises(InvalidError, match="no arguments to change"):
        await world.approvals.foresee(
            question.id, acting(BEN), digest=question.digest, arguments={}
        )
