"""One run at a time: leases, fences, and runs that have lost theirs."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from countersign.approvals.errors import LostLeaseError, NotFoundError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import RequestId, RequestStatus, SessionId, SessionStatus
from countersign.approvals.store import codec, schema, session_lists
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.directory import ANNA, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def due(world: World) -> list[SessionId]:
    now = world.clock.now()
    return await world.store.read(lambda c: session_lists.due(c, now, limit=10))


async def row(world: World, session_id: SessionId) -> Any:
    query = select(schema.sessions).where(schema.sessions.c.id == session_id)
    return (await world.store.read(lambda c: c.execute(query).one()))._mapping


async def test_leased_session_cannot_be_begun_until_the_lease_ends(world: World) -> None:
    run = await world.begun()
    world.clock.advance(29.999)
    early = await world.runs.begin(run.session.id)
    world.clock.advance(0.001)
    taken = await world.begin(run.session.id)

    assert early is None
    assert (1, 2) == (run.epoch, taken.epoch)


async def test_leased_session_is_found_again_when_the_lease_has_ended(world: World) -> None:
    run = await world.begun()
    before = await due(world)
    world.clock.advance(30)

    assert [] == before
    assert [run.session.id] == await due(world)


async def test_unknown_session_is_not_begun(world: World) -> None:
    assert await world.runs.begin(SessionId("S-0")) is None


async def test_renewing_keeps_the_lease_and_names_those_that_are_lost(world: World) -> None:
    kept, lost = await world.begun(), await world.begun()
    world.clock.advance(20)
    await world.runs.renew([kept])
    world.clock.advance(10)

    assert frozenset({lost.session.id}) == await world.runs.renew([kept, lost])
    assert await world.runs.begin(kept.session.id) is None
    await world.require_lease(kept)
    with pytest.raises(LostLeaseError):
        await world.require_lease(lost)


async def test_nothing_can_be_written_by_a_run_that_has_lost_its_lease(world: World) -> None:
    lost = await world.begun()
    world.clock.advance(30)
    run = await world.begin(lost.session.id)
    (request,) = await world.submit(run, "look")
    steps = [
        world.submit(lost, "look"),
        world.runs.claim(lost, request.id, request.arguments),
        world.runs.complete(lost, state=NOTHING_SAID, ending=Ending(cause=SessionCause.ANSWERED)),
        world.runs.fail(lost, error="x"),
        world.runs.park(lost, error="x"),
        world.require_lease(lost),
    ]
    for step in steps:
        with pytest.raises(LostLeaseError, match=f"no longer run by epoch {lost.epoch}"):
            await step

    assert ["session_started", "proposed"] == await world.kinds(run.session.id)
    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_run_whose_lease_ran_out_may_not_write_even_if_nobody_took_it(world: World) -> None:
    run = await world.begun()
    world.clock.advance(30)

    with pytest.raises(LostLeaseError):
        await world.submit(run, "look")


async def test_session_waits_without_a_lease_while_a_request_is_pending(world: World) -> None:
    run = await world.begun()
    await world.submit(run, "look", "quote")
    session = await world.records.session(run.session.id)

    assert SessionStatus.WAITING is session.status
    assert await world.runs.begin(run.session.id) is None
    assert [] == await due(world)
    with pytest.raises(LostLeaseError):
        await world.require_lease(run)
    stored = await row(world, run.session.id)
    assert (None, None) == (stored["lease_until"], stored["next_at"])


async def test_cancel_moves_the_fence_past_the_run_that_was_under_way(world: World) -> None:
    run = await world.begun()
    await world.approvals.cancel(run.session.id, acting(ANNA))
    stored = await row(world, run.session.id)

    assert (run.epoch + 1, None, None) == (
        stored["epoch"],
        stored["lease_until"],
        stored["next_at"],
    )


async def test_held_lease_is_respected_even_if_the_session_is_due(world: World) -> None:
    run = await world.begun()
    at = codec.to_text(world.clock.now())
    await world.store.write(lambda c: c.execute(update(schema.sessions).values(next_at=at)))

    assert await world.runs.begin(run.session.id) is None


async def test_parked_session_is_not_begun_before_it_is_due(world: World) -> None:
    run = await world.begun()
    await world.runs.park(run, error="No model.")

    assert await world.runs.begin(run.session.id) is None


async def test_session_that_there_is_not_has_no_chain_and_no_lease(world: World) -> None:
    with pytest.raises(NotFoundError, match="S-0"):
        await world.store.read(lambda c: ledger_rows.head(c, "S-0"))
    with pytest.raises(NotFoundError, match="S-0"):
        await world.store.read(lambda c: session_rows.chat(c, "S-0"))
    with pytest.raises(NotFoundError, match="S-0"):
        await world.unit(lambda unit: lease_rows.holds_lease(unit, "S-0", 1))
    with pytest.raises(NotFoundError, match="S-0"):
        await world.unit(lambda unit: lease_rows.holds_lease(unit, "S-0", 1, "R-0"))
    with pytest.raises(NotFoundError, match="S-0"):
        await world.unit(lambda unit: request_rows.open_and_locked(unit, "S-0"))


async def test_request_that_there_is_not_is_neither_claimed_nor_finished(world: World) -> None:
    run, _ = await world.approved()
    with pytest.raises(NotFoundError, match="R-0"):
        await world.runs.claim(run, RequestId("R-0"), {})
    with pytest.raises(NotFoundError, match="R-0"):
        await world.runs.finish(run, RequestId("R-0"), ok=True, content="42")
