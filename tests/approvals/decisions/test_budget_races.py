"""Budgets of which everybody draws at once, from two servers: never more than there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from countersign.approvals.models import Request, RequestStatus, Result
from countersign.approvals.runs import Run
from countersign.approvals.store.schema import budget_counters, budget_uses
from tests.doubles import postgres
from tests.doubles.clock import ManualClock
from tests.doubles.database import fresh_database, postgres_store, sqlite_store
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import RULES, World

pytestmark = pytest.mark.asyncio
CALLS = 64
BUDGETS = {
    "day": {"window": "day", "zone": "Europe/Berlin", "count": {"hard": 20}},
    "span": {"window": "24h", "count": {"hard": 25}},
    "money": {
        "window": "month",
        "zone": "America/New_York",
        "value": {"amount": "args.amount", "currency": "EUR", "hard": 100},
    },
    "each": {"window": "week", "zone": "UTC", "per": "args.customer", "count": {"hard": 12}},
}


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[World]]:
    """Two servers on one database, each with a store of its own."""
    clock = ManualClock()
    async with AsyncExitStack() as stack:
        if request.param == "postgresql":
            url = postgres.borrow()
            stores: list[Any] = [
                await stack.enter_async_context(postgres_store(url)) for _ in range(2)
            ]
            stack.callback(postgres.give_back, url)
        else:
            path = fresh_database(tmp_path)
            stores = [await stack.enter_async_context(sqlite_store(path)) for _ in range(2)]
        yield [World(store, RecordingJobs(), clock) for store in stores]


async def ready(world: World, number: int) -> tuple[World, Run, Request]:
    """A call that a rule has allowed, on every second of them by people."""
    run = await world.begun()
    arguments = {"customer": ("Contoso", "Fabrikam")[number % 4 // 2], "amount": 1 + number % 9}
    tool = ("look", "quote")[number // 2 % 2]
    (request,) = await world.submit(run, world.proposal(run.session.id, tool, arguments))
    if request.status is RequestStatus.PENDING:
        await world.vote(request)
        run = await world.begin(run.session.id)
    return world, run, request


@pytest.mark.parametrize("name", [*BUDGETS, "all"])
async def test_64_claims_from_two_servers_draw_no_more_than_there_is(
    pair: list[World], name: str
) -> None:
    chosen = BUDGETS if name == "all" else {name: BUDGETS[name]}
    budgets = {n: {"tool": ["look", "quote"], **each} for n, each in chosen.items()}
    for world in pair:
        world.use({**RULES, "budgets": budgets})
    calls = [await ready(pair[n % 2], n) for n in range(CALLS)]
    outcomes = await asyncio.gather(
        *(world.runs.claim(run, r.id, r.arguments) for world, run, r in calls)
    )

    ran = [each for each in outcomes if isinstance(each, Request)]
    stopped = [each for each in outcomes if isinstance(each, Result)]
    assert CALLS == len(ran) + len(stopped)
    assert all("has a limit of" in each.message for each in stopped)
    spent = sum(each.arguments["amount"] for each in ran)
    for customer in ("Contoso", "Fabrikam"):
        mine = [each for each in ran if each.arguments["customer"] == customer]
        assert "each" not in chosen or len(mine) <= 12
    limits = [len(ran) == 20, len(ran) == 25, 91 < spent <= 100, len(ran) == 24]
    if name == "all":
        assert len(ran) <= 20
        assert spent <= 100
    else:
        assert dict(zip(BUDGETS, limits, strict=True))[name], (len(ran), spent)
    uses = await pair[0].store.read(lambda c: list(c.execute(select(budget_uses))))
    assert len(ran) * len(chosen) == len(uses)
    assert () == (await pair[1].records.verify()).problems


async def test_returns_and_claims_at_once_leave_the_counter_as_it_is(pair: list[World]) -> None:
    budgets = {"day": {"tool": "look", **BUDGETS["day"], "count": {"hard": 40}}}
    for world in pair:
        world.use({**RULES, "budgets": budgets})
    calls = [await ready(pair[n % 2], n - n % 4) for n in range(CALLS)]  # all of look
    first, later = calls[:32], calls[32:]
    for world, run, r in first:
        assert isinstance(await world.runs.claim(run, r.id, r.arguments), Request)
    back = [w.runs.finish(run, r.id, ok=False, content="No.") for w, run, r in first]
    claims = [world.runs.claim(run, r.id, r.arguments) for world, run, r in later]
    outcomes = await asyncio.gather(
        *(each for two in zip(back, claims, strict=True) for each in two)
    )

    ran = [each for each in outcomes if isinstance(each, Request)]
    assert 8 <= len(ran) <= 32
    counters = await pair[0].store.read(lambda c: list(c.execute(select(budget_counters))))
    assert [len(ran)] == [each._mapping["count"] for each in counters]
    assert () == (await pair[1].records.verify()).problems
