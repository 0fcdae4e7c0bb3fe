"""The claim: what runs is what was approved, by those who may approve it now."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import (
    Cause,
    Outcome,
    Request,
    RequestStatus,
    Result,
    Verdict,
)
from countersign.approvals.rules.proposals import call_digest
from countersign.approvals.runs import Run
from countersign.approvals.store import schema
from tests.doubles.directory import BEN
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def refused(world: World, run: Run, request: Request, **arguments: Any) -> Result:
    answer = await world.runs.claim(run, request.id, arguments or request.arguments)
    assert isinstance(answer, Result)
    assert Outcome.NOT_EXECUTED is answer.outcome
    return answer


async def test_claim_gives_what_was_approved_and_its_token(world: World) -> None:
    run, request = await world.approved()
    claimed = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(claimed, Request)
    assert (RequestStatus.EXECUTING, run.epoch) == (claimed.status, claimed.executing_epoch)
    assert (request.arguments, request.execution_token) == (
        claimed.arguments,
        claimed.execution_token,
    )
    assert claimed == await world.now(request)
    assert "claimed" == (await world.kinds(run.session.id))[-1]


async def test_allowed_call_is_claimed_without_people(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "look")

    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Request)


@pytest.mark.parametrize(
    "arguments", [{"customer": "Contoso", "amount": 101}, {"customer": "Contoso"}, {"n": 2**60}]
)
async def test_other_arguments_than_approved_do_not_run(world: World, arguments: Any) -> None:
    run, request = await world.approved()
    answer = await refused(world, run, request, **arguments)

    assert Cause.DRIFT is answer.cause
    assert RequestStatus.CANCELLED is (await world.now(request)).status
    assert "not_executed" == (await world.kinds(run.session.id))[-1]


async def test_arguments_changed_in_the_store_do_not_run(world: World) -> None:
    run, request = await world.approved()
    forged = {"customer": "Eve", "amount": 1}
    change = update(schema.requests).values(arguments='{"customer":"Eve","amount":1}')
    await world.store.write(lambda c: c.execute(change))

    assert Cause.DRIFT is (await refused(world, run, request, **forged)).cause


async def test_stored_arguments_that_are_not_those_of_the_chat_do_not_run(world: World) -> None:
    run, request = await world.approved()
    change = update(schema.requests).values(arguments='{"customer":"Eve","amount":1}')
    await world.store.write(lambda c: c.execute(change))

    assert Cause.DRIFT is (await refused(world, run, request)).cause


async def test_digest_and_arguments_changed_in_the_store_do_not_run(world: World) -> None:
    run, request = await world.approved()
    forged = {"customer": "Eve", "amount": 1}
    call = world.proposal(run.session.id, "quote", forged).call
    call = call.model_copy(update={"call_id": request.call_id})
    change = update(schema.requests).values(
        arguments='{"customer":"Eve","amount":1}',
        digest=call_digest(call, request.policy_version),
    )
    await world.store.write(lambda c: c.execute(change))

    assert Cause.DRIFT is (await refused(world, run, request, **forged)).cause


@pytest.mark.parametrize("left", [True, False])
async def test_approver_who_lost_the_authority_meanwhile_revokes(world: World, left: bool) -> None:
    run, request = await world.approved()
    if left:
        world.directory.remove(BEN.id)
    else:
        world.directory.set_roles(BEN.id)
    answer = await refused(world, run, request)

    assert (Cause.DRIFT, True) == (answer.cause, answer.retry)
    assert answer.message.startswith("Ben, who approved this, ")


@pytest.mark.parametrize(
    ("tool", "rule", "cause"),
    [
        ("quote", None, Cause.DENIED_BY_POLICY),
        ("quote", "deny", Cause.DENIED_BY_POLICY),
        ("quote", "shadow", Cause.SHADOW),
        ("look", "deny", Cause.DENIED_BY_POLICY),
        ("look", "shadow", Cause.SHADOW),
        ("look", {"effect": "require_approval", "roles": ["manager"]}, Cause.DRIFT),
    ],
)
async def test_policy_of_now_is_asked_again(
    world: World, tool: str, rule: Any, cause: Cause
) -> None:
    if tool == "quote":
        run, request = await world.approved()
    else:
        run = await world.begun()
        (request,) = await world.submit(run, tool)
    world.change_rule(tool, rule)

    assert cause is (await refused(world, run, request)).cause


async def test_what_a_rule_allowed_says_that_it_needs_a_person_now(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "look")
    world.change_rule("look", {"effect": "require_approval", "roles": ["manager"]})
    result = await refused(world, run, request)

    assert "The policy was changed: this now needs a person. Propose it again." == result.message


@pytest.mark.parametrize(
    ("approved", "given"),
    [
        pytest.param(1, True, id="equal in Python, and not what is signed"),
        pytest.param(["a"], ("a",), id="signed alike, and another value for the body"),
    ],
)
async def test_what_is_only_alike_does_not_run(world: World, approved: Any, given: Any) -> None:
    world.change_rule("sign", {"effect": "require_approval", "roles": ["manager"]})
    run, request = await world.approved("sign", arguments={"customer": approved})
    result = await refused(world, run, request, customer=given)

    assert Cause.DRIFT is result.cause
    assert "What is about to run is not what was approved." in result.message


async def test_policy_that_is_laxer_now_lets_it_run(world: World) -> None:
    run, request = await world.approved()
    world.change_rule("quote", "allow")

    assert isinstance(await world.runs.claim(run, request.id, request.arguments), Request)


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.APPROVE])
async def test_what_was_not_approved_gives_its_result(world: World, verdict: Verdict) -> None:
    one, two = await world.asked("quote", "quote")
    await world.vote(one, BEN, verdict)
    await world.vote(two, BEN, Verdict.REJECT, comment="No.")
    run = await world.begin(one.session_id)

    assert Cause.REJECTED is (await refused(world, run, two)).cause


async def test_same_run_cannot_claim_twice(world: World) -> None:
    run, request = await world.executing()

    with pytest.raises(IntegrityError, match="already running"):
        await world.runs.claim(run, request.id, request.arguments)


async def test_pending_request_cannot_be_claimed_even_by_a_live_run(world: World) -> None:
    run, _ = await world.approved()
    (other,) = await world.asked()
    change = update(schema.requests).where(schema.requests.c.id == other.id)
    moved = {"session_id": run.session.id, "checkpoint_id": run.session.checkpoint_id}
    await world.store.write(lambda c: c.execute(change.values(moved)))

    with pytest.raises(IntegrityError, match="only an approved one can run"):
        await world.runs.claim(run, other.id, other.arguments)


async def test_only_what_the_session_proposed_last_can_be_claimed(world: World) -> None:
    run, request = await world.approved()
    await world.submit(run, "look")
    before = await world.kinds(run.session.id)

    with pytest.raises(IntegrityError, match="is not among the calls that its session proposed"):
        await world.runs.claim(run, request.id, request.arguments)

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert before == await world.kinds(run.session.id)
