"""What was asked is no longer what would run: it is asked again, and no vote carries over."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.decisions.asking import Today
from countersign.approvals.errors import AlreadyDecidedError, IntegrityError, StaleDigestError
from countersign.approvals.models import (
    Cause,
    JsonObject,
    Request,
    RequestStatus,
    Result,
    SessionStatus,
    Verdict,
)
from tests.doubles.directory import BEN, DAVE
from tests.doubles.world import QUOTE, World

pytestmark = pytest.mark.asyncio
CONTROLLERS = {"effect": "require_approval", "roles": ["controller"], "deadline": "1h"}


def schema(**more: Any) -> JsonObject:
    properties = {"customer": {"type": "string"}, "amount": {"type": "number"}, **more}
    return {"type": "object", "properties": properties, "required": ["customer", "amount"]}


def change_tool(world: World, **more: Any) -> None:
    """Restart with another release of the tools."""
    world.catalog.schemas = {"quote": schema(**more)}
    world.catalog.version = "2"


async def test_approval_under_another_rule_is_asked_again(world: World) -> None:
    run, request = await world.approved()
    world.change_rule("quote", CONTROLLERS)
    asked = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(asked, Request)
    assert (RequestStatus.PENDING, 2, None) == (asked.status, asked.revision, asked.decision)
    assert "The rule on quote has changed" in asked.asked_again
    assert ("controller",) == asked.stages[0].roles
    assert request.digest != asked.digest
    assert SessionStatus.WAITING is (await world.records.session(request.session_id)).status
    assert "asked_again" == (await world.kinds(request.session_id))[-1]


async def test_what_is_asked_again_runs_once_the_right_people_approve(world: World) -> None:
    run, request = await world.approved()
    world.change_rule("quote", CONTROLLERS)
    asked = await world.runs.claim(run, request.id, request.arguments)
    assert isinstance(asked, Request)
    await world.vote(asked, DAVE, Verdict.APPROVE)
    again = await world.begin(request.session_id)
    claimed = await world.runs.claim(again, request.id, request.arguments)

    assert isinstance(claimed, Request)
    assert RequestStatus.EXECUTING is claimed.status


@pytest.mark.parametrize("late", [False, True])
async def test_approval_of_an_earlier_checkpoint_is_not_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """Also where the session goes on while it is found out what its tool would receive today."""
    run, request = await world.approved()
    world.change_rule("quote", CONTROLLERS)
    effective = world.catalog.effective

    async def goes_on(*call: Any) -> Any:
        await world.submit(run, "look")
        return await effective(*call)

    if late:
        monkeypatch.setattr(world.catalog, "effective", goes_on)
    else:
        await world.submit(run, "look")

    with pytest.raises(IntegrityError, match="is not among the calls that its session proposed"):
        await world.runs.claim(run, request.id, request.arguments)

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert SessionStatus.RUNNING is (await world.records.session(request.session_id)).status
    assert "asked_again" not in await world.kinds(request.session_id)


@pytest.mark.parametrize(
    ("before", "words"), [("1", "takes or fills in has changed"), ("", "An earlier release")]
)
async def test_tool_that_changed_while_it_waits_is_asked_again(
    world: World, before: str, words: str
) -> None:
    world.catalog.version = before
    (request,) = await world.asked()
    change_tool(world, discount={"type": "number", "default": 5})
    with pytest.raises(StaleDigestError, match=words):
        await world.vote(request, BEN, Verdict.APPROVE)
    now = await world.now(request)

    assert (RequestStatus.PENDING, 2, "2") == (now.status, now.revision, now.schema_version)
    assert {**QUOTE, "discount": 5} == now.arguments
    assert ("/discount",) == now.defaulted
    assert words in now.asked_again

    decided = await world.vote(now, BEN, Verdict.APPROVE)

    assert RequestStatus.APPROVED is decided.status


async def test_digest_of_before_counts_for_nothing(world: World) -> None:
    (request,) = await world.asked()
    change_tool(world)
    for _ in range(2):
        with pytest.raises(StaleDigestError):
            await world.vote(request, BEN, Verdict.APPROVE)

    assert 2 == (await world.now(request)).revision


async def test_approved_call_of_a_tool_that_changed_is_asked_again(world: World) -> None:
    run, request = await world.approved()
    change_tool(world, discount={"type": "number", "default": 5})
    asked = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(asked, Request)
    assert RequestStatus.PENDING is asked.status
    assert 5 == asked.arguments["discount"]


async def test_call_that_no_longer_fits_its_tool_is_told_to_the_agents(world: World) -> None:
    (request,) = await world.asked()
    world.catalog.schemas = {"quote": {"type": "object", "properties": {"id": {}}}}
    world.catalog.version = "2"
    with pytest.raises(StaleDigestError):
        await world.vote(request, BEN, Verdict.APPROVE)
    now = await world.now(request)

    assert RequestStatus.CANCELLED is now.status
    assert isinstance(now.result, Result)
    assert (Cause.INVALID_ARGUMENTS, True) == (now.result.cause, now.result.retry)
    assert SessionStatus.RUNNING is (await world.records.session(request.session_id)).status


@pytest.mark.parametrize(
    ("rule", "cause"), [("deny", Cause.DENIED_BY_POLICY), ("shadow", Cause.SHADOW)]
)
async def test_call_that_today_is_not_carried_out_is_not_asked_again(
    world: World, rule: str, cause: Cause
) -> None:
    (request,) = await world.asked()
    world.change_rule("quote", rule)
    change_tool(world)
    with pytest.raises(StaleDigestError):
        await world.vote(request, BEN, Verdict.APPROVE)
    now = await world.now(request)

    assert RequestStatus.CANCELLED is now.status
    assert now.result is not None
    assert cause is now.result.cause


async def test_changed_call_that_today_would_be_allowed_is_asked_by_the_old_rule(
    world: World,
) -> None:
    (request,) = await world.asked()
    world.change_rule("quote", "allow")
    change_tool(world, discount={"type": "number", "default": 5})
    await world.approvals.ask_again_what_changed()
    now = await world.now(request)

    assert (RequestStatus.PENDING, 2) == (now.status, now.revision)
    assert (request.stages, request.expires_at) == (now.stages, now.expires_at)
    assert 5 == now.arguments["discount"]


async def test_call_of_a_tool_that_is_not_known_here_is_asked_again_as_it_was(
    world: World,
) -> None:
    (request,) = await world.asked()
    world.catalog.schemas = {}
    world.change_rule("quote", CONTROLLERS)
    await world.approvals.ask_again_what_changed()
    now = await world.now(request)

    assert (2, request.arguments, request.schema_version) == (
        now.revision,
        now.arguments,
        now.schema_version,
    )


async def test_what_was_decided_meanwhile_is_not_asked_again(world: World) -> None:
    (request,) = await world.asked()
    world.change_rule("quote", CONTROLLERS)
    asking = world.runs._claiming._asking
    session = await world.records.session(request.session_id)
    again = asking.needed(request, session, world.moments.now())
    assert again is not None
    await world.vote(request, BEN, Verdict.REJECT)

    with pytest.raises(AlreadyDecidedError):
        await world.unit(lambda unit: asking.ask(unit, again, Today()))
    assert RequestStatus.REJECTED is (await world.now(request)).status


async def test_rejection_stands_whatever_it_is_of(world: World) -> None:
    (request,) = await world.asked()
    change_tool(world)
    decided = await world.vote(request, BEN, Verdict.REJECT, comment="No.")

    assert RequestStatus.REJECTED is decided.status


async def test_edit_of_what_the_tool_no_longer_takes_is_asked_again_first(world: World) -> None:
    (request,) = await world.asked()
    change_tool(world, discount={"type": "number", "default": 5})
    with pytest.raises(StaleDigestError):
        await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1})

    assert 100 == (await world.now(request)).arguments["amount"]


async def test_edit_is_signed_with_what_the_tool_fills_in(world: World) -> None:
    world.catalog.schemas = {"quote": schema(discount={"type": "number", "default": 5})}
    (request,) = await world.asked()
    decided = await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 1})

    assert {**QUOTE, "amount": 1, "discount": 5} == decided.arguments
    assert ("/discount",) == decided.defaulted


async def test_call_that_a_rule_allowed_is_proposed_again_by_the_agents(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "look")
    world.catalog.version = "2"
    answer = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(answer, Result)
    assert (Cause.DRIFT, True) == (answer.cause, answer.retry)


async def test_what_nobody_may_decide_by_the_rule_of_today_is_not_asked_again(
    world: World,
) -> None:
    run, request = await world.approved()
    world.change_rule("quote", CONTROLLERS)
    world.directory.set_roles("dave")
    told = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(told, Result)
    assert (Cause.NO_APPROVER, False) == (told.cause, told.retry)
    assert "The rule on quote has changed" in told.message
    assert "could decide it if an administrator gave them the role controller" in told.message
    assert RequestStatus.CANCELLED is (await world.now(request)).status


async def test_server_that_starts_asks_again_what_changed_and_nothing_else(world: World) -> None:
    world.catalog.version = "1"
    (first,) = await world.asked()
    (second,) = await world.asked("pay")
    assert 0 == await world.approvals.ask_again_what_changed()
    world.change_rule("quote", CONTROLLERS)

    assert 1 == await world.approvals.ask_again_what_changed()
    assert 0 == await world.approvals.ask_again_what_changed()
    assert (2, 1) == ((await world.now(first)).revision, (await world.now(second)).revision)

    world.catalog.version = "2"

    assert 2 == await world.approvals.ask_again_what_changed()
    assert (3, 2) == ((await world.now(first)).revision, (await world.now(second)).revision)


async def test_what_is_shown_elsewhere_says_why_it_is_asked_again(world: World) -> None:
    world.catalog.version = "1"
    (request,) = await world.asked()
    change_tool(world)
    await world.approvals.ask_again_what_changed()

    assert "quote takes or fills in has changed" in (await world.now(request)).asked_again
    assert {2} == {d.wanted_version for d in await world.records.deliveries(request.id)}


async def test_what_was_asked_again_is_asked_once_more_of_what_the_agent_wrote(
    world: World,
) -> None:
    """Not of what the release between had filled in."""
    (request,) = await world.asked()
    change_tool(world, discount={"type": "number", "default": 5})
    await world.approvals.ask_again_what_changed()
    world.catalog.schemas = {"quote": schema(discount={"type": "number", "default": 7})}
    world.catalog.version = "3"
    await world.approvals.ask_again_what_changed()
    now = await world.now(request)

    assert (3, {**QUOTE, "discount": 7}, QUOTE) == (now.revision, now.arguments, now.written)
