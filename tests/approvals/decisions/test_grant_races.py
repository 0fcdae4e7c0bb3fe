"""Grants by which 64 calls begin at once on two servers: never more than they allow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from countersign.approvals.models import Request, RequestStatus, Terms
from countersign.approvals.runs import Run
from countersign.approvals.store.schema import grant_uses
from tests.doubles import postgres
from tests.doubles.clock import ManualClock
from tests.doubles.database import fresh_database, postgres_store, sqlite_store
from tests.doubles.directory import BEN, acting
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
CALLS = 64
RULE = {
    "effect": "require_approval",
    "roles": ["manager"],
    "grants": {"max_uses": 20, "max_total": 100, "value": "amount"},
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
        worlds = [World(store, RecordingJobs(), clock) for store in stores]
        for world in worlds:
            world.use({"tools": {"quote": RULE}, "reversibility": {"quote": "reversible"}})
        yield worlds


async def covered(world: World, number: int) -> tuple[World, Run, Request]:
    """A call that is covered, and about to run."""
    run = await world.begun()
    arguments = {"customer": "Contoso", "amount": 1 + number % 9}
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", arguments))
    assert RequestStatus.APPROVED is request.status
    return world, run, request


async def give(world: World, **terms: Any) -> str:
    (request,) = await world.asked("quote")
    grant = await world.approvals.granting.give(request.id, acting(BEN), Terms(**terms))
    return grant.id


async def begin(pair: list[World]) -> list[Any]:
    calls = [await covered(pair[n % 2], n) for n in range(CALLS)]
    return list(
        await asyncio.gather(*(w.runs.claim(run, r.id, r.arguments) for w, run, r in calls))
    )


@pytest.mark.parametrize(
    ("terms", "most_uses", "most_total"),
    [({"uses": 20}, 20, 100), ({"uses": 7}, 7, 100), ({"uses": 20, "total": 31}, 20, 31)],
)
async def test_64_claims_from_two_servers_use_no_more_than_was_given(
    pair: list[World], terms: dict[str, Any], most_uses: int, most_total: int
) -> None:
    grant = await give(pair[0], **terms)
    outcomes = await begin(pair)
    ran = [r for r in outcomes if isinstance(r, Request) and r.status is RequestStatus.EXECUTING]
    asked = [r for r in outcomes if isinstance(r, Request) and r.status is RequestStatus.PENDING]
    spent = sum(each.arguments["amount"] for each in ran)
    ((_, used),) = await pair[1].records.grants()
    uses = await pair[1].store.read(lambda c: list(c.execute(select(grant_uses.c.number))))

    assert CALLS == len(ran) + len(asked)
    assert 0 < len(ran) <= most_uses
    assert spent <= most_total
    assert len(ran) == most_uses or spent + 9 > most_total  # nothing is left over but a rest
    assert (len(ran), Decimal(spent)) == (used.uses, used.total)
    assert [*range(1, len(ran) + 1)] == sorted(row.number for row in uses)
    assert all(grant in each.asked_again for each in asked)
    assert () == (await pair[0].records.verify()).problems


async def test_nothing_begins_by_a_grant_that_is_revoked_meanwhile(pair: list[World]) -> None:
    grant = await give(pair[0], uses=20)
    calls = [await covered(pair[n % 2], n) for n in range(CALLS)]
    claims = [w.runs.claim(run, r.id, r.arguments) for w, run, r in calls]
    claims.insert(8, pair[1].approvals.granting.revoke(grant, acting(BEN)))  # type: ignore[arg-type]
    outcomes = await asyncio.gather(*claims)
    ran = [r for r in outcomes if isinstance(r, Request) and r.status is RequestStatus.EXECUTING]
    kinds = [entry.kind for entry in await pair[0].records.governance()]
    ((ended, used),) = await pair[0].records.grants()

    assert ended.revoked_at is not None
    assert len(ran) == used.uses <= 20
    assert 1 == kinds.count("grant_revoked")
    assert () == (await pair[0].records.verify()).problems
