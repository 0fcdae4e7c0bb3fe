"""A run goes on from where it has ended last; where something came between, it looks again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from countersign.approvals.decisions.handoff import Run
from countersign.approvals.errors import LostLeaseError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import Outcome, Request, RequestStatus, SessionStatus, Verdict
from countersign.approvals.ports import Unit
from countersign.approvals.store import ledger
from countersign.approvals.store.schema import requests
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.world import World, opened

pytestmark = pytest.mark.asyncio
ENDED = Ending(cause=SessionCause.ANSWERED, answer="Done.")


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """On SQLite: elsewhere a session is locked, and read, before anything of it is written."""
    async with opened(tmp_path) as world:
        yield world


async def note(world: World, run: Run, *, elsewhere: bool) -> None:
    """Something that happens in the session of a run; `elsewhere`, in another process."""
    entry = ("noted", {"text": "Meanwhile."})
    await world.unit(lambda unit: ledger.append(unit, run.session.id, entry))
    if elsewhere:
        world.store.unsealed.take()


async def finish(world: World, run: Run, request: Request) -> None:
    result = await world.runs.finish(run, request.id, ok=True, content="42")

    assert Outcome.EXECUTED is result.outcome


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_what_happens_before_a_result_stays_on_the_ledger(
    world: World, elsewhere: bool
) -> None:
    run, request = await world.executing()
    await note(world, run, elsewhere=elsewhere)
    await finish(world, run, request)

    assert ["claimed", "noted", "executed"] == list(await world.kinds(run.session.id))[-3:]
    assert (await world.records.verify(run.session.id)).verified


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_what_happens_before_the_end_stays_on_the_ledger(
    world: World, elsewhere: bool
) -> None:
    run, request = await world.executing()
    await finish(world, run, request)
    await note(world, run, elsewhere=elsewhere)
    await world.runs.complete(run, state=NOTHING_SAID, ending=ENDED)

    kinds = list(await world.kinds(run.session.id))
    assert ["executed", "noted", "session_completed"] == kinds[-3:]
    assert (await world.records.verify(run.session.id)).verified


async def test_lease_that_has_ended_since_the_claim_is_lost(world: World) -> None:
    """As ever: the result is stored all the same."""
    run, request = await world.executing()
    world.clock.advance(31)

    with pytest.raises(LostLeaseError):
        await world.runs.finish(run, request.id, ok=True, content="42")

    assert RequestStatus.EXECUTED is (await world.now(request)).status
    with pytest.raises(LostLeaseError):
        await world.runs.complete(run, state=NOTHING_SAID, ending=ENDED)


async def test_lease_that_has_ended_since_the_result_is_lost(world: World) -> None:
    run, request = await world.executing()
    await finish(world, run, request)
    world.clock.advance(31)

    with pytest.raises(LostLeaseError):
        await world.runs.complete(run, state=NOTHING_SAID, ending=ENDED)

    assert SessionStatus.RUNNING is (await world.records.session(run.session.id)).status


async def test_row_that_was_changed_since_the_claim_is_looked_at(world: World) -> None:
    """Nobody of ours does so; what is written then is compared with what is stored."""
    run, request = await world.executing()
    await world.store.write(lambda c: c.execute(update(requests).values(stage=1)).rowcount)
    await finish(world, run, request)

    assert 1 == (await world.now(request)).stage
    assert not (await world.records.verify(run.session.id)).verified


async def test_end_cancels_what_was_approved_beside_the_last_result(world: World) -> None:
    one, other = await world.asked("quote", "quote")
    for request in (one, other):
        await world.vote(request, verdict=Verdict.APPROVE)
    run = await world.begin(one.session_id)
    await world.runs.claim(run, one.id, one.arguments)
    await finish(world, run, one)
    await world.runs.complete(run, state=NOTHING_SAID, ending=ENDED)

    assert RequestStatus.CANCELLED is (await world.now(other)).status
    assert (await world.records.verify(run.session.id)).verified


async def test_two_calls_at_once_do_not_go_on_from_each_other(world: World) -> None:
    one, other = await world.asked("quote", "quote")
    for request in (one, other):
        await world.vote(request, verdict=Verdict.APPROVE)
    run = await world.begin(one.session_id)
    for request in (one, other):
        await world.runs.claim(run, request.id, request.arguments)
    for request in (one, other):
        await finish(world, run, request)
    await world.runs.complete(run, state=NOTHING_SAID, ending=ENDED)

    assert (await world.records.verify(run.session.id)).verified


async def test_entry_where_one_stands_already_is_refused(world: World) -> None:
    """Whoever appends has locked the end of the chain, so this is no case of moving on."""
    run = await world.begun()

    def twice(unit: Unit) -> None:
        rows, _ = ledger.linked((0, ""), run.session.id, unit.now, [("noted", {})])
        ledger.insert(unit, rows)

    with pytest.raises(IntegrityError):
        await world.unit(twice)
