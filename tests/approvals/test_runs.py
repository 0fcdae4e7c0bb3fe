"""The agents' side: lease, submit, end, come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from countersign.approvals.decisions.parking import PARK_ATTEMPTS, PARK_MAX_S
from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import (
    Cause,
    RequestStatus,
    SessionId,
    SessionStatus,
    Verdict,
)
from countersign.approvals.ports import Job
from countersign.approvals.store import session_lists
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import ANNA, BEN, CARA, acting
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio


async def due(world: World) -> list[SessionId]:
    now = world.clock.now()
    return await world.store.read(lambda c: session_lists.due(c, now, limit=10))


async def start(world: World, key: str, **changes: Any) -> Any:
    values = {"workflow": "sales", "workflow_version": "1", "task": "Quote", "owner": ANNA.id}
    return await world.runs.start(**{**values, **changes}, idempotency_key=key)


async def test_new_session_is_due_and_rings(world: World) -> None:
    session = await world.start(THREAD)

    assert SessionStatus.RUNNING is session.status
    assert session == await world.records.session(session.id)
    assert [session.id] == await due(world)
    assert [Job(kind="run", id=session.id)] == world.take()
    (entry,) = await world.records.ledger(session.id)
    assert ("session_started", "anna", THREAD) == (
        entry.kind,
        entry.body["owner"],
        entry.body["conversation"],
    )


async def test_same_key_gives_the_same_session(world: World) -> None:
    one, again = await start(world, "key"), await start(world, "key")
    other = await start(world, "other")

    assert one == again
    assert one.id != other.id
    assert 1 == len(await world.records.ledger(one.id))


@pytest.mark.parametrize("change", [{"task": "Other"}, {"owner": BEN.id}, {"workflow": "crm"}])
async def test_same_key_for_something_else_is_refused(world: World, change: Any) -> None:
    one = await start(world, "key")

    with pytest.raises(InvalidError, match=f"already belongs to session {one.id}"):
        await start(world, "key", **change)


async def test_lone_surrogate_in_a_task_is_replaced(world: World) -> None:
    assert "Quote ?" == (await start(world, "key", task="Quote \ud800")).task


async def test_batch_that_policy_decides_goes_on_at_once(world: World) -> None:
    run = await world.begun()
    requests = await world.submit(run, "look", "drop", "dream", "unheard")

    assert ["approved", "rejected", "rejected", "rejected"] == [r.status for r in requests]
    assert [None, Cause.DENIED_BY_POLICY, Cause.SHADOW, Cause.DENIED_BY_POLICY] == [
        r.result.cause if r.result else None for r in requests
    ]
    await world.require_lease(run)


async def test_batch_resumes_in_order_with_its_snapshot(world: World) -> None:
    run = await world.begun()
    first, second = await world.submit(run, "quote", "look")
    await world.vote(first)
    resumed = await world.begin(run.session.id)

    assert (2, run.epoch + 1) == (len(resumed.batch), resumed.epoch)
    assert (first.id, second.id) == tuple(r.id for r in resumed.batch)
    assert resumed.chat is not None
    assert [{"role": "user", "content": "Quote"}] == resumed.chat.messages()
    assert (None, ()) == (run.chat, run.batch)


async def test_session_goes_on_only_when_the_whole_batch_is_decided(world: World) -> None:
    one, two, three = await world.asked("quote", "wire", "quote")
    await world.vote(one)
    await world.vote(two, BEN)
    await world.vote(three, BEN, Verdict.REJECT)
    before = (await world.records.session(one.session_id)).status
    await world.vote(two, CARA, Verdict.REJECT)

    assert SessionStatus.WAITING is before
    assert SessionStatus.RUNNING is (await world.records.session(one.session_id)).status
    assert [one.session_id] == await due(world)


async def test_snapshot_can_be_stored_without_a_call(world: World) -> None:
    run = await world.begun()

    assert () == await world.submit(run)
    assert ["session_started", "stored"] == await world.kinds(run.session.id)
    transcript = await world.records.transcript(run.session.id)
    assert [{"role": "user", "content": "Quote"}] == list(transcript)


async def test_call_id_is_used_once_per_session(world: World) -> None:
    run = await world.begun()
    proposal = world.proposal(run.session.id, "look")
    await world.submit(run, proposal)

    with pytest.raises(InvalidError, match="call id was used twice"):
        await world.submit(run, proposal)

    other = await world.begun()
    call = proposal.call.model_copy(update={"session_id": other.session.id})
    assert 1 == len(await world.submit(other, proposal.model_copy(update={"call": call})))


async def test_proposal_is_on_the_ledger_in_full(world: World) -> None:
    (request,) = await world.asked()
    entry = (await world.records.ledger(request.session_id))[-1]

    assert "proposed" == entry.kind
    assert request.digest == entry.body["digest"]
    assert request.arguments == entry.body["arguments"]
    assert ("require_approval", "tools.quote", "The customer asked.") == (
        entry.body["effect"],
        entry.body["rule"],
        entry.body["rationale"],
    )
    assert (world.clock.now() + timedelta(hours=1)).isoformat() == entry.body["expires_at"]
    assert 64 == len(entry.body["transcript_sha256"])


async def test_completed_session_is_over(world: World) -> None:
    run = await world.begun(THREAD)
    world.take()
    ending = Ending(cause=SessionCause.ANSWERED, answer="Sent \ud800")
    await world.runs.complete(run, state=NOTHING_SAID, ending=ending, progress=["One."])
    session = await world.records.session(run.session.id)

    assert (SessionStatus.COMPLETED, "Sent ?") == (session.status, session.answer)
    assert [] == await due(world)
    assert [Job(kind="notify", id=THREAD)] == world.take()
    assert "session_completed" == (await world.kinds(run.session.id))[-1]


async def test_completed_session_without_an_answer_says_done(world: World) -> None:
    run = await world.begun()
    await world.runs.complete(run, state=NOTHING_SAID, ending=Ending(cause=SessionCause.ANSWERED))

    assert "" == (await world.records.session(run.session.id)).answer


async def test_failed_session_says_why_and_cancels_what_was_approved(world: World) -> None:
    run = await world.begun()
    approved, refused = await world.submit(run, "look", "drop")
    await world.runs.fail(run, error="No model: set OPENAI_API_KEY.")
    session = await world.records.session(run.session.id)

    assert (SessionStatus.FAILED, "No model: set OPENAI_API_KEY.") == (
        session.status,
        session.error,
    )
    assert RequestStatus.CANCELLED is (await world.now(approved)).status
    assert refused == await world.now(refused)


async def test_answered_question_is_not_cancelled_at_the_end(world: World) -> None:
    (asked,) = await world.asked(world.question((await world.start()).id))
    answered = await world.vote(asked, ANNA, comment="Yes.")
    run = await world.begin(asked.session_id)
    await world.runs.complete(run, state=NOTHING_SAID, ending=Ending(cause=SessionCause.ANSWERED))

    assert answered == await world.now(asked)


async def test_parked_session_comes_back_with_growing_delay_and_fails_at_last(
    world: World,
) -> None:
    session = await world.start(THREAD)
    delays_s = [2, 4, 8, 16, 32, 64, 128, 256, *[PARK_MAX_S] * (PARK_ATTEMPTS - 9)]
    for attempt, delay_s in enumerate(delays_s, start=1):
        run = await world.begin(session.id)
        assert await world.runs.park(run, error="No model.")
        world.clock.advance(delay_s - 1)
        assert not await due(world)
        world.clock.advance(1)
        assert await due(world)
        assert (
            f"No model.{attempt}" == f"{(await world.records.session(session.id)).error}{attempt}"
        )
    run = await world.begin(session.id)
    kept = await world.runs.park(run, error="No model.")
    failed = await world.records.session(session.id)

    assert not kept
    assert SessionStatus.FAILED is failed.status
    assert f"No model. (gave up after {PARK_ATTEMPTS} attempts)" == failed.error


async def test_session_parked_for_something_to_be_put_right_is_never_given_up(
    world: World,
) -> None:
    session = await world.start(THREAD)
    for _ in range(PARK_ATTEMPTS + 2):
        run = await world.begin(session.id)
        kept = await world.runs.park(run, error="Its workflow is missing.", attempts=None)

        assert kept
        world.clock.advance(PARK_MAX_S)
    waiting = await world.records.session(session.id)

    assert SessionStatus.RUNNING is waiting.status
    assert "Its workflow is missing." == waiting.error


async def test_calls_of_one_message_are_listed_in_its_order(world: World) -> None:
    run = await world.begun()
    submitted = await world.submit(run, *["quote"] * 6)
    listed = await world.records.requests(session_id=run.session.id)

    assert [r.id for r in submitted] == [r.id for r in listed.items]


async def test_parking_is_told_once_and_forgotten_when_it_goes_on(world: World) -> None:
    run = await world.begun(THREAD)
    world.take()
    await world.runs.park(run, error="No model.")
    world.clock.advance(2)
    again = await world.begin(run.session.id)
    await world.runs.park(again, error="No model.")
    told = world.take()
    world.clock.advance(4)
    last = await world.begin(run.session.id)
    await world.submit(last, "look")

    assert [Job(kind="notify", id=THREAD)] == told
    assert (await world.records.session(run.session.id)).error is None


async def test_orphan_of_an_ended_session_becomes_in_doubt(world: World) -> None:
    run, request = await world.executing(idempotent=True)
    await world.runs.doubt(request.id)
    before = await world.now(request)
    await world.approvals.cancel(run.session.id, acting(ANNA))
    await world.runs.doubt(request.id)

    assert RequestStatus.EXECUTING is before.status
    assert RequestStatus.IN_DOUBT is (await world.now(request)).status
    with pytest.raises(NotFoundError):
        await world.runs.doubt("R-0")
