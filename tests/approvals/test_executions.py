"""From approved to executed: the claim, the body, and what is known afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, update

from approvals.errors import IntegrityError, LostLeaseError
from approvals.models import Cause, Outcome, Request, RequestStatus, Result, Verdict
from approvals.proposals import call_digest
from approvals.runs import Run
from approvals.store import schema
from tests.doubles.directory import ANNA, BEN, acting
from tests.doubles.world import THREAD, World

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


async def test_approval_without_votes_on_record_does_not_run(world: World) -> None:
    run, request = await world.approved()
    await world.store.write(lambda c: c.execute(delete(schema.votes)))

    assert "votes on record" in (await refused(world, run, request)).message


async def test_approval_of_another_revision_does_not_count(world: World) -> None:
    run, request = await world.approved()
    await world.store.write(lambda c: c.execute(update(schema.votes).values(revision=7)))

    assert "votes on record" in (await refused(world, run, request)).message


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
        ("quote", {"effect": "require_approval", "roles": ["controller"]}, Cause.DRIFT),
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


async def test_request_of_another_session_is_neither_claimed_nor_finished(world: World) -> None:
    run, _ = await world.executing()
    _, other = await world.executing()

    with pytest.raises(IntegrityError, match="is not of session"):
        await world.runs.claim(run, other.id, other.arguments)
    with pytest.raises(IntegrityError, match="is not of session"):
        await world.runs.finish(run, other.id, ok=True, content="")

    assert RequestStatus.EXECUTING is (await world.now(other)).status


async def test_pending_request_cannot_be_claimed_even_by_a_live_run(world: World) -> None:
    run, _ = await world.approved()
    (other,) = await world.asked()
    change = update(schema.requests).where(schema.requests.c.id == other.id)
    await world.store.write(lambda c: c.execute(change.values(session_id=run.session.id)))

    with pytest.raises(IntegrityError, match="only an approved one can run"):
        await world.runs.claim(run, other.id, other.arguments)


@pytest.mark.parametrize(
    ("ok", "status", "outcome"),
    [
        (True, RequestStatus.EXECUTED, Outcome.EXECUTED),
        (False, RequestStatus.FAILED, Outcome.FAILED),
    ],
)
async def test_outcome_is_stored_and_told(
    world: World, ok: bool, status: RequestStatus, outcome: Outcome
) -> None:
    run, request = await world.executing()
    result = await world.runs.finish(run, request.id, ok=ok, content="Text \ud800")
    done = await world.now(request)

    assert (outcome, "Text ?", not ok) == (result.outcome, result.content, result.retry)
    assert (status, result) == (done.status, done.result)
    assert status == (await world.kinds(run.session.id))[-1]


async def test_agents_are_told_that_a_person_changed_it(world: World) -> None:
    (request,) = await world.asked()
    await world.vote(request, BEN, Verdict.MODIFY, arguments={"customer": "C", "amount": 9})
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, {"customer": "C", "amount": 9})
    result = await world.runs.finish(run, request.id, ok=True, content="")

    assert Outcome.EXECUTED_WITH_CHANGES is result.outcome


async def test_first_outcome_stands(world: World) -> None:
    run, request = await world.executing()
    first = await world.runs.finish(run, request.id, ok=True, content="one")
    entries = len(await world.service.ledger(run.session.id))

    assert first == await world.runs.finish(run, request.id, ok=False, content="two")
    assert first == (await world.now(request)).result
    assert entries == len(await world.service.ledger(run.session.id))


async def test_finished_request_gives_its_result_instead_of_running_again(world: World) -> None:
    run, request = await world.executing()
    result = await world.runs.finish(run, request.id, ok=True, content="one")

    assert result == await world.runs.claim(run, request.id, request.arguments)


async def test_crash_in_the_tool_leaves_it_in_doubt_and_never_runs_it_again(world: World) -> None:
    (request,) = await world.submit(await world.begun(THREAD), "quote")
    await world.vote(request)
    await world.runs.claim(await world.begin(request.session_id), request.id, request.arguments)
    world.jobs.take()
    world.clock.advance(30)
    run = await world.begin(request.session_id)
    answer = await refused(world, run, request)

    assert RequestStatus.IN_DOUBT is run.batch[0].status
    assert (Cause.IN_DOUBT, False) == (answer.cause, answer.retry)
    assert "in_doubt" == (await world.kinds(request.session_id))[-1]
    assert THREAD in {job.id for job in world.jobs.take() if job.kind == "notify"}


async def test_idempotent_tool_is_called_again_with_the_same_token(world: World) -> None:
    lost, request = await world.executing(idempotent=True)
    world.clock.advance(30)
    run = await world.begin(lost.session.id)
    again = await world.runs.claim(run, request.id, request.arguments)

    assert isinstance(again, Request)
    assert RequestStatus.EXECUTING is run.batch[0].status
    assert request.execution_token == again.execution_token
    assert run.epoch == again.executing_epoch
    with pytest.raises(LostLeaseError, match="taken over"):
        await world.runs.finish(lost, request.id, ok=True, content="late")


async def test_idempotent_tool_whose_approval_was_revoked_is_in_doubt(world: World) -> None:
    lost, request = await world.executing(idempotent=True)
    world.clock.advance(30)
    world.directory.set_roles(BEN.id)
    run = await world.begin(lost.session.id)

    assert Cause.IN_DOUBT is (await refused(world, run, request)).cause


async def test_late_result_resolves_the_doubt(world: World) -> None:
    lost, request = await world.executing()
    world.clock.advance(30)
    run = await world.begin(lost.session.id)
    with pytest.raises(LostLeaseError):
        await world.runs.finish(lost, request.id, ok=True, content="late")
    done = await world.now(request)

    assert done.result is not None
    assert (RequestStatus.EXECUTED, "late") == (done.status, done.result.content)
    assert "late_result" == (await world.kinds(run.session.id))[-1]
    assert done.result == await world.runs.claim(run, request.id, request.arguments)


async def test_result_that_comes_after_a_cancel_is_kept(world: World) -> None:
    run, request = await world.executing()
    await world.service.cancel(run.session.id, acting(ANNA))
    with pytest.raises(LostLeaseError):
        await world.runs.finish(run, request.id, ok=False, content="boom")

    assert RequestStatus.FAILED is (await world.now(request)).status


async def test_request_that_was_never_claimed_cannot_be_finished(world: World) -> None:
    run, request = await world.approved()

    with pytest.raises(LostLeaseError):
        await world.runs.finish(run, request.id, ok=True, content="")


async def test_tool_that_cannot_say_leaves_its_request_in_doubt(world: World) -> None:
    run, request = await world.executing(idempotent=True)
    result = await world.runs.unknown(run, request.id, message="The server hung up \ud800.")
    again = await world.runs.unknown(run, request.id, message="Once more.")
    now = await world.now(request)

    assert result.message.startswith("The server hung up ?. It will not be run again.")
    assert (RequestStatus.IN_DOUBT, Cause.IN_DOUBT, result) == (now.status, result.cause, again)
    assert result == await refused(world, run, request)


async def test_result_after_a_doubt_of_the_same_run_resolves_it(world: World) -> None:
    run, request = await world.executing()
    await world.runs.unknown(run, request.id, message="The server hung up.")
    await world.runs.finish(run, request.id, ok=True, content="It had worked.")

    assert RequestStatus.EXECUTED is (await world.now(request)).status
    assert "late_result" == (await world.kinds(run.session.id))[-1]


async def test_only_the_run_that_executes_can_be_in_doubt(world: World) -> None:
    run, request = await world.approved()
    with pytest.raises(LostLeaseError, match="taken over"):
        await world.runs.unknown(run, request.id, message="")
    await world.runs.claim(run, request.id, request.arguments)
    world.clock.advance(30)
    with pytest.raises(LostLeaseError, match="no longer run"):
        await world.runs.unknown(run, request.id, message="")

    assert RequestStatus.EXECUTING is (await world.now(request)).status
