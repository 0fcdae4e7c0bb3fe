"""Sessions that are leased in the transaction that makes them due."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from countersign.approvals.decisions.outbox import RUN
from countersign.approvals.errors import LostLeaseError, UnavailableError
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.models import (
    Request,
    RequestStatus,
    SessionId,
    SessionStatus,
    Verdict,
)
from countersign.approvals.ports import Job, Moment, Unit
from countersign.approvals.runs import Runs
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import schema
from tests.approvals.store.test_leases import due
from tests.doubles.directory import ANNA, acting
from tests.doubles.jobs import RecordingJobs
from tests.doubles.jobs_at_work import at_work
from tests.doubles.transactions import outside
from tests.doubles.world import World, working

pytestmark = pytest.mark.asyncio


@pytest.fixture
def world(world: World) -> World:
    """One whose process has room for two sessions."""

    def free() -> int:
        outside("The session manager")
        return 2

    world.handoff.open(free)
    return world


def rung(world: World) -> list[Job]:
    assert isinstance(world.jobs, RecordingJobs)
    return world.take()


def another_process(world: World) -> Runs:
    return world.composed().runs


async def pending(world: World) -> Request:
    (request,) = await world.asked()
    rung(world)
    return request


async def test_session_that_starts_is_leased_to_the_process_that_has_room(world: World) -> None:
    session = await world.start()
    bells, to_others = rung(world), await another_process(world).begin(session.id)
    run, again = await world.begin(session.id), await world.runs.begin(session.id)

    assert [Job(kind=RUN, id=session.id)] == bells
    assert (to_others, again) == (None, None)
    assert (session, 1, None, ()) == (run.session, run.epoch, run.chat, run.batch)
    assert ["session_started"] == await world.kinds(session.id)
    await world.submit(run, "quote")
    assert (await world.records.verify()).verified


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
async def test_session_that_is_decided_is_leased_to_the_process_that_has_room(
    world: World, verdict: Verdict
) -> None:
    request = await pending(world)
    decided = await world.vote(request, verdict=verdict)
    bells, to_others = rung(world), await another_process(world).begin(request.session_id)
    run = await world.begin(request.session_id)

    assert Job(kind=RUN, id=request.session_id) in bells
    assert to_others is None
    assert (2, (decided,)) == (run.epoch, run.batch)
    assert run.chat is not None
    assert SessionStatus.RUNNING is run.session.status
    assert run.session == await world.records.session(request.session_id)
    await world.require_lease(run)


async def test_session_whose_last_request_expires_is_leased_too(world: World) -> None:
    request = await pending(world)
    world.clock.advance(3600)
    await world.approvals.expire(request.id)
    run = await world.begin(request.session_id)

    assert (2, RequestStatus.EXPIRED) == (run.epoch, run.batch[0].status)


async def test_without_room_it_is_left_to_whoever_is_free(world: World) -> None:
    world.handoff.open(lambda: 0)
    started, request = await world.start(), await pending(world)
    await world.vote(request)

    assert {started.id, request.session_id} == set(await due(world))
    assert await another_process(world).begin(started.id) is not None
    assert await another_process(world).begin(request.session_id) is not None


async def test_closed_takeover_takes_nothing(world: World) -> None:
    world.handoff.close()
    session = await world.start()

    assert [session.id] == await due(world)


async def test_room_is_looked_at_in_the_transaction_not_when_it_is_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = world.store.unit

    async def later(work: Callable[[Unit], Any], moment: Moment) -> Any:
        world.runs.take_no_more()  # the server puts its sessions down while this one waits its turn
        return await unit(work, moment)

    monkeypatch.setattr(world.store, "unit", later)
    session = await world.start()

    assert [session.id] == await due(world)
    assert await another_process(world).begin(session.id) is not None


async def test_sessions_that_wait_for_their_doorbell_use_up_the_room(world: World) -> None:
    sessions = [await world.start() for _ in range(3)]
    beyond = await due(world)
    await world.begin(sessions[0].id)
    later = await world.start()

    assert [sessions[2].id] == beyond == await due(world)
    assert 1 == (await world.begin(later.id)).epoch


async def test_session_that_was_taken_and_never_run_is_due_when_its_lease_ends(
    world: World,
) -> None:
    session, request = await world.start(), await pending(world)
    await world.vote(request)
    before = await due(world)
    world.clock.advance(30)

    assert [] == before
    assert {session.id, request.session_id} == set(await due(world))
    run = await another_process(world).begin(request.session_id)
    assert run is not None
    assert (3, (await world.now(request),)) == (run.epoch, run.batch)


async def test_start_up_frees_what_a_stopped_process_had_taken(world: World) -> None:
    session = await world.start()
    now = world.clock.now()
    freed = await world.store.write(lambda c: lease_rows.free_leases(c, now=now))

    assert 1 == freed
    assert [session.id] == await due(world)


async def test_run_says_how_old_its_lease_is(world: World) -> None:
    session = await world.start()
    world.clock.advance(4)

    assert 4 == (await world.begin(session.id)).age_s


async def test_lease_that_is_half_over_is_not_handed_out(world: World) -> None:
    session = await world.start()
    world.clock.advance(15)
    late = await world.runs.begin(session.id)
    world.clock.advance(15)

    assert late is None
    assert 2 == (await world.begin(session.id)).epoch


async def test_what_never_rang_gives_its_room_back(world: World) -> None:
    lost = [await world.start() for _ in range(2)]
    world.clock.advance(15)
    await world.runs.begin(SessionId("S-0"))
    session = await world.start()

    assert session.id not in await due(world)
    assert [None, None] == [await world.runs.begin(one.id) for one in lost]


async def test_run_that_was_cancelled_before_its_doorbell_can_write_nothing(world: World) -> None:
    session = await world.start()
    await world.approvals.cancel(session.id, acting(ANNA))
    run = await world.begin(session.id)

    with pytest.raises(LostLeaseError):
        await world.submit(run, "look")


async def test_transaction_that_fails_takes_nothing(world: World) -> None:
    request = await pending(world)

    def work(unit: Unit) -> None:
        assert world.handoff.wake(unit, [request])
        raise UnavailableError("gone")

    with pytest.raises(UnavailableError):
        await world.unit(work)

    assert await world.runs.begin(request.session_id) is None
    assert SessionStatus.WAITING is (await world.records.session(request.session_id)).status


async def test_session_that_does_not_wait_is_not_woken(world: World) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, "look")

    assert not await world.unit(lambda unit: world.handoff.wake(unit, [request]))
    await world.require_lease(run)


async def test_session_with_a_call_that_nobody_finished_is_left_to_its_next_run(
    world: World,
) -> None:
    """`begin` puts it in doubt first."""
    look, quote = await world.asked("look", "quote")
    executing = (
        update(schema.requests).where(schema.requests.c.id == look.id).values(status="executing")
    )
    await world.store.write(lambda c: c.execute(executing))
    await world.vote(quote)
    run = await world.begin(quote.session_id)

    assert [RequestStatus.IN_DOUBT, RequestStatus.APPROVED] == [r.status for r in run.batch]


async def test_key_that_is_known_takes_nothing_again(world: World) -> None:
    start: dict[str, Any] = {"workflow": "w", "workflow_version": "1", "task": "t", "owner": "anna"}
    sessions = [await world.runs.start(**start, idempotency_key="k") for _ in range(2)]
    run = await world.begin(sessions[0].id)

    assert sessions[0] == sessions[1]
    assert 1 == run.epoch
    assert await world.runs.begin(sessions[0].id) is None


async def test_leaving_gives_back_what_was_taken_and_takes_no_more(world: World) -> None:
    taken = await world.start()
    await world.runs.leave()
    later = await world.start()

    assert {taken.id, later.id} == set(await due(world))
    assert 2 == (await world.begin(taken.id)).epoch


async def test_leaving_is_possible_without_the_store(world: World) -> None:
    await world.start()
    await world.store.close()  # type: ignore[attr-defined]
    await world.runs.leave()

    assert 0 == world.handoff.room()


async def test_jobs_say_whether_doorbells_are_answered(tmp_path: Path) -> None:
    """A session taken while they are not would wait for its lease to end."""
    async with working(tmp_path) as world:
        assert isinstance(world.jobs, EmbeddedJobs)
        before = world.jobs.is_open
        async with at_work(world) as jobs:
            during = jobs.is_open
            await jobs.drain()
            after = jobs.is_open

    assert (False, True, False) == (before, during, after)
