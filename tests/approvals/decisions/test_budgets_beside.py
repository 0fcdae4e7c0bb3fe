"""Budgets beside what lets calls run without somebody's click: grants, and silence."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from countersign.approvals.models import Cause, Request, RequestStatus, Result, Terms, Via
from countersign.approvals.runs import Run
from countersign.approvals.store.schema import grant_uses
from tests.approvals.decisions.test_steps import later, work
from tests.doubles.directory import BEN
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
GRANTS = {"max_uses": 20, "max_duration": "7d", "same": ["customer"]}
ASK = {"effect": "require_approval", "roles": ["manager"], "deadline": "1h"}


def ruled(**count: Any) -> dict[str, Any]:
    """A tool that people may grant, one that runs if nobody objects, and a budget on both."""
    budget = {"tool": ["quote", "wire"], "window": "day", "zone": "UTC", "count": count}
    return {
        "tools": {"quote": {**ASK, "grants": GRANTS}, "wire": {**ASK, "at_deadline": "approve"}},
        "reversibility": {"quote": "reversible", "wire": "reversible"},
        "budgets": {"calls": budget},
    }


async def proposed(world: World, tool: str = "quote") -> tuple[Run, Request]:
    run = await world.begun()
    (request,) = await world.submit(run, tool)
    return run, request


async def claimed(world: World, run: Run, request: Request) -> Request | Result:
    got = await world.runs.claim(run, request.id, request.arguments)
    assert got is not None
    return got


async def granted(world: World) -> None:
    """A call that was approved with a grant, and runs."""
    run, request = await proposed(world)
    await world.vote(request, BEN, grant=Terms(uses=3))
    run = await world.begin(run.session.id)
    assert isinstance(await claimed(world, run, request), Request)


async def uses(world: World) -> int:
    query = select(func.count()).select_from(grant_uses)
    return await world.store.read(lambda c: c.execute(query).scalar_one())


async def test_a_grant_is_not_for_what_passes_a_soft_limit(world: World) -> None:
    world.use(ruled(soft=2))
    await granted(world)
    run, within = await proposed(world)
    assert within.decision is not None
    assert Via.GRANT == within.decision.via
    assert isinstance(await claimed(world, run, within), Request)
    _, past = await proposed(world)

    assert RequestStatus.PENDING is past.status
    assert () == (await world.records.verify()).problems


async def test_a_soft_limit_that_was_reached_since_asks_at_the_claim(world: World) -> None:
    world.use(ruled(soft=2))
    await granted(world)
    first, one = await proposed(world)
    second, other = await proposed(world)
    assert isinstance(await claimed(world, first, one), Request)
    counted = await uses(world)
    again = await claimed(world, second, other)

    assert isinstance(again, Request)
    assert (RequestStatus.PENDING, 2) == (again.status, again.revision)
    assert counted == await uses(world)
    await world.vote(again)
    second = await world.begin(again.session_id)
    assert isinstance(await claimed(world, second, await world.now(again)), Request)
    assert () == (await world.records.verify()).problems


async def test_what_a_hard_limit_stops_is_no_use_of_a_grant(world: World) -> None:
    world.use(ruled(hard=2))
    await granted(world)
    first, one = await proposed(world)
    second, other = await proposed(world)
    assert isinstance(await claimed(world, first, one), Request)
    counted = await uses(world)

    assert isinstance(await claimed(world, second, other), Result)
    assert counted == await uses(world)
    assert () == (await world.records.verify()).problems


async def test_silence_does_not_let_pass_a_soft_limit(world: World) -> None:
    world.use(ruled(soft=0))
    _, request = await proposed(world, "wire")
    world.clock.advance(3601)
    await world.approvals.expire(request.id)

    assert RequestStatus.EXPIRED is (await world.now(request)).status


async def test_silence_is_no_answer_where_the_limit_was_reached_since(world: World) -> None:
    world.use(ruled(soft=1))
    _, silent = await proposed(world, "wire")
    await work(world)
    await later(world, 1)
    assert RequestStatus.APPROVED is (await world.now(silent)).status
    await granted(world)
    got = await claimed(world, await world.begin(silent.session_id), silent)

    assert isinstance(got, Result)
    assert (Cause.DRIFT, True) == (got.cause, got.retry)
    assert "without asking: 1 call. Propose it again." in got.message
