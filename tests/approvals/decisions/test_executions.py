"""From approved to executed: the claim, the body, and what is known afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.errors import IntegrityError, LostLeaseError, NotFoundError
from countersign.approvals.models import (
    Cause,
    Outcome,
    Request,
    RequestStatus,
    Result,
    Verdict,
)
from countersign.approvals.runs import Run
from countersign.approvals.store.schema import result_texts
from tests.doubles.directory import ANNA, BEN, acting
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio


async def refused(world: World, run: Run, request: Request, **arguments: Any) -> Result:
    answer = await world.runs.claim(run, request.id, arguments or request.arguments)
    assert isinstance(answer, Result)
    assert Outcome.NOT_EXECUTED is answer.outcome
    return answer


async def test_request_of_another_session_is_neither_claimed_nor_finished(world: World) -> None:
    run, _ = await world.executing()
    _, other = await world.executing()

    with pytest.raises(IntegrityError, match="is not of session"):
        await world.runs.claim(run, other.id, other.arguments)
    with pytest.raises(IntegrityError, match="is not of session"):
        await world.runs.finish(run, other.id, ok=True, content="")

    assert RequestStatus.EXECUTING is (await world.now(other)).status


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
    entries = len(await world.records.ledger(run.session.id))

    assert first == await world.runs.finish(run, request.id, ok=False, content="two")
    assert first == (await world.now(request)).result
    assert entries == len(await world.records.ledger(run.session.id))


async def test_finished_request_gives_its_result_instead_of_running_again(world: World) -> None:
    run, request = await world.executing()
    result = await world.runs.finish(run, request.id, ok=True, content="one")

    assert result == await world.runs.claim(run, request.id, request.arguments)


async def test_crash_in_the_tool_leaves_it_in_doubt_and_never_runs_it_again(world: World) -> None:
    (request,) = await world.submit(await world.begun(THREAD), "quote")
    await world.vote(request)
    await world.runs.claim(await world.begin(request.session_id), request.id, request.arguments)
    world.take()
    world.clock.advance(30)
    run = await world.begin(request.session_id)
    answer = await refused(world, run, request)

    assert RequestStatus.IN_DOUBT is run.batch[0].status
    assert (Cause.IN_DOUBT, False) == (answer.cause, answer.retry)
    assert "in_doubt" == (await world.kinds(request.session_id))[-1]
    assert THREAD in {job.id for job in world.take() if job.kind == "notify"}


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
    await world.approvals.cancel(run.session.id, acting(ANNA))
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


async def by_rule(world: World, tool: str = "look") -> tuple[Run, Request]:
    """A run that has claimed a call that nobody was asked about."""
    run = await world.begun()
    (request,) = await world.submit(run, tool)
    claimed = await world.runs.claim(run, request.id, request.arguments)
    assert isinstance(claimed, Request)
    return run, claimed


async def test_error_of_a_call_that_people_approved_leaves_it_in_doubt(world: World) -> None:
    run, request = await world.executing()
    result = await world.runs.raised(run, request.id, content="KeyError: 'x \ud800'.")
    now = await world.now(request)

    assert (RequestStatus.IN_DOUBT, result) == (now.status, now.result)
    assert (Cause.IN_DOUBT, False) == (result.cause, result.retry)
    assert result.message.startswith(
        "It raised KeyError: 'x ?'. It is not known whether it took effect before that. It will "
        "not be run again."
    )
    assert "in_doubt" == (await world.kinds(run.session.id))[-1]


async def test_error_of_a_call_that_a_rule_allowed_is_a_failure(world: World) -> None:
    run, request = await by_rule(world)
    result = await world.runs.raised(run, request.id, content="KeyError")

    assert (Outcome.FAILED, "KeyError") == (result.outcome, result.content)
    assert RequestStatus.FAILED is (await world.now(request)).status


@pytest.mark.parametrize("on_error", ["failed", "in_doubt"])
async def test_rule_says_what_an_error_means(world: World, on_error: str) -> None:
    quote = {"effect": "require_approval", "roles": ["manager"], "on_error": on_error}
    world.change_rule("quote", quote)
    run, asked = await world.executing()
    await world.runs.raised(run, asked.id, content="KeyError")
    world.change_rule("look", {"effect": "allow", "on_error": on_error})
    run, allowed = await by_rule(world)
    await world.runs.raised(run, allowed.id, content="KeyError")

    assert on_error == (await world.now(asked)).status == (await world.now(allowed)).status


async def test_error_that_comes_after_the_doubt_is_kept_and_settles_nothing(world: World) -> None:
    run, request = await world.executing()
    doubt = await world.runs.unknown(run, request.id, message="It took too long.")
    world.clock.advance(30)
    with pytest.raises(LostLeaseError, match="no longer run"):
        await world.runs.raised(run, request.id, content="KeyError")
    entry = (await world.records.ledger(run.session.id))[-1]

    assert (RequestStatus.IN_DOUBT, doubt) == (
        (await world.now(request)).status,
        (await world.now(request)).result,
    )
    assert ("late_error", "KeyError", False) == (
        entry.kind,
        entry.body["content"],
        entry.body["stands"],
    )


async def test_error_of_a_run_that_was_overtaken_says_nothing(world: World) -> None:
    lost, request = await world.executing(idempotent=True)
    world.clock.advance(30)
    run = await world.begin(lost.session.id)
    await world.runs.claim(run, request.id, request.arguments)
    with pytest.raises(LostLeaseError, match="taken over"):
        await world.runs.raised(lost, request.id, content="KeyError")

    assert RequestStatus.EXECUTING is (await world.now(request)).status


async def test_long_error_is_cut_where_people_read_it(world: World) -> None:
    run, request = await world.executing()
    result = await world.runs.raised(run, request.id, content="x" * 3_000)

    assert f"It raised {'x' * 2_000}…. It is not known" in result.message


@pytest.mark.parametrize("ok", [True, False])
async def test_long_result_is_kept_whole_and_its_head_is_told(world: World, ok: bool) -> None:
    run, request = await world.executing()
    text = "é" * 30_000
    result = await world.runs.finish(run, request.id, ok=ok, content=text)
    kept = await world.records.result(request.id)
    entry = (await world.records.ledger(run.session.id))[-1]

    assert (text[:20_000], 30_000) == (result.content[:20_000], result.characters)
    assert result.content.endswith(
        f"[cut: 20,000 of 30,000 characters; the whole is kept with request {request.id}: "
        f"GET /api/v1/requests/{request.id}/result]"
    )
    assert (text, 30_000, True) == (kept.content, kept.characters, kept.complete)
    assert (sha256_hex(text.encode()), 30_000) == (
        entry.body["content_sha256"],
        entry.body["characters"],
    )
    assert () == (await world.records.verify(run.session.id)).problems


async def test_no_more_than_a_mebibyte_of_a_result_is_kept(world: World) -> None:
    run, request = await world.executing()
    result = await world.runs.finish(run, request.id, ok=True, content="x" * 1_048_577)
    kept = await world.records.result(request.id)

    assert "of 1,048,577 characters; the first 1,048,576 are kept with" in result.content
    assert (1_048_576, 1_048_577, False) == (len(kept.content), kept.characters, kept.complete)
    assert () == (await world.records.verify(run.session.id)).problems


async def test_kept_result_that_was_changed_is_found(world: World) -> None:
    run, request = await world.executing()
    await world.runs.finish(run, request.id, ok=True, content="x" * 30_000)
    change = result_texts.update().values(text="y" * 30_000)
    await world.store.write(lambda c: c.execute(change))
    checked = await world.records.verify(run.session.id)

    assert (
        f"session {run.session.id}, result_texts {request.id}, column text: is not what the "
        "ledger says",
    ) == checked.problems


async def test_short_result_is_read_the_same_way_and_none_is_not_found(world: World) -> None:
    run, request = await world.executing()
    with pytest.raises(NotFoundError, match="is executing and has no result yet"):
        await world.records.result(request.id)
    await world.runs.finish(run, request.id, ok=True, content="Done.")
    done = await world.records.result(request.id)
    doubtful, other = await world.executing()
    await world.runs.unknown(doubtful, other.id, message="It hung up.")
    doubt = await world.records.result(other.id)

    assert ("Done.", 5, True) == (done.content, done.characters, done.complete)
    assert doubt.content.startswith("It hung up. It will not be run again.")


async def test_time_limit_is_that_of_the_rule_or_of_the_settings(world: World) -> None:
    (request,) = await world.asked()
    session = await world.records.session(request.session_id)
    by_setting = world.runs.time_limit_s(session, request)
    world.change_rule(
        "quote", {"effect": "require_approval", "roles": ["manager"], "tool_timeout": "2m"}
    )

    assert (300.0, 120.0) == (by_setting, world.runs.time_limit_s(session, request))


async def test_call_that_was_given_up_is_in_doubt_until_its_late_result(world: World) -> None:
    run, request = await world.executing()
    doubt = await world.runs.raised(
        run, request.id, content="It did not end within 9 s", timed_out=True
    )
    late = await world.runs.finish(run, request.id, ok=True, content="Sent.", late=True)

    assert doubt.message.startswith(
        "It did not end within 9 s. It may have taken effect, or may still do so. It will not be"
    )
    assert (RequestStatus.EXECUTED, late) == (
        (await world.now(request)).status,
        (await world.now(request)).result,
    )
    assert ["in_doubt", "late_result"] == list(await world.kinds(run.session.id))[-2:]


async def test_late_result_of_a_failure_is_on_the_ledger_only(world: World) -> None:
    run, request = await by_rule(world)
    failed = await world.runs.raised(run, request.id, content="It did not end", timed_out=True)
    await world.runs.finish(run, request.id, ok=True, content="Sent.", late=True)
    await world.runs.raised(run, request.id, content="KeyError", late=True)
    entries = (await world.records.ledger(run.session.id))[-2:]

    assert failed == (await world.now(request)).result
    assert [("late_result", "Sent.", False), ("late_result", "KeyError", False)] == [
        (entry.kind, entry.body["content"], entry.body["stands"]) for entry in entries
    ]
