"""A session whose workflow is missing says so once, and its approvals lapse meanwhile."""

from __future__ import annotations

import pytest

from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.parking import WAITS
from countersign.approvals.models import Request, RequestStatus, SessionStatus
from countersign.approvals.store.session_lists import live_versions
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio
MISSING = "The session began on version 1 of sales; this server has 2."


async def approved(world: World) -> tuple[Run, Request]:
    """A run in a thread, with its one request approved."""
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "quote")
    await world.vote(request)
    return await world.begin(run.session.id), request


async def said(world: World) -> list[str]:
    """What the thread is told of it."""
    query = "SELECT text FROM notices ORDER BY id"
    texts = await world.store.read(lambda c: list(c.exec_driver_sql(query).scalars()))
    return [text for text in texts if WAITS in text]


async def park(world: World, run: Run, error: str = MISSING) -> Run:
    """The session is put away, and tried again later."""
    assert await world.runs.park(run, error=error, attempts=None)
    world.clock.advance(300)
    return await world.begin(run.session.id)


async def test_people_and_the_ledger_are_told_once(world: World) -> None:
    run, request = await approved(world)
    for _ in range(3):
        run = await park(world, run)
    session = await world.records.session(request.session_id)

    assert (SessionStatus.RUNNING, MISSING) == (session.status, session.error)
    assert 1 == len(await said(world))
    assert 1 == (await world.kinds(request.session_id)).count("workflow_missing")


async def test_they_are_told_again_when_something_else_is_missing(world: World) -> None:
    run, _ = await approved(world)
    run = await park(world, run)
    await park(world, run, "There is no workflow sales.")

    assert 2 == len(await said(world))


async def test_where_the_approved_call_is_shown_it_is_shown_that_it_waits(world: World) -> None:
    run, request = await approved(world)
    before = {d.id: d.wanted_version for d in await world.records.deliveries(request.id)}
    await park(world, run)
    after = {d.id: d.wanted_version for d in await world.records.deliveries(request.id)}

    assert {key: version + 1 for key, version in before.items()} == after


async def test_approval_lapses_meanwhile(world: World) -> None:
    run, request = await approved(world)
    run = await park(world, run)
    await world.runs.release(run)
    world.clock.advance(3600)
    run = await world.begin(request.session_id)
    asked = await world.runs.claim(run, request.id, request.arguments)
    session = await world.records.session(request.session_id)

    assert isinstance(asked, Request)
    assert (RequestStatus.PENDING, 2) == (asked.status, asked.revision)
    assert (SessionStatus.WAITING, None) == (session.status, session.error)


async def test_workflows_of_what_is_not_over_are_counted_by_version(world: World) -> None:
    await world.begun()
    await world.asked()

    assert [("sales", "1", 2)] == await world.store.read(live_versions)
