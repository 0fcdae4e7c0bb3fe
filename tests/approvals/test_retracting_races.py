"""Claims beside revocations, and votes beside withdrawals, over two processes of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from countersign.approvals.compose import Domain, compose
from countersign.approvals.errors import (
    AlreadyUsedError,
    CountersignError,
    IntegrityError,
    LostLeaseError,
)
from countersign.approvals.models import Request, RequestStatus, Result, Verdict
from countersign.approvals.store.postgres import PostgresStore
from tests.doubles.database import postgres_store
from tests.doubles.directory import BEN, CARA, DAVE, acting
from tests.doubles.world import RULES, World

pytestmark = pytest.mark.asyncio
ROUNDS = 6


@pytest_asyncio.fixture
async def other(world: World) -> AsyncIterator[Domain]:
    """Another process: with a store of its own where more than one may have the database, which on
    SQLite only one may."""
    stages = [{"roles": ["manager"], "parallel": True}, {"roles": ["controller"], "parallel": True}]
    both = {"effect": "require_approval", "stages": stages}
    world.use({"tools": {**RULES["tools"], "both": both}})
    around = (world.policy, world.directory, world.catalog, world.channels)
    if not isinstance(world.store, PostgresStore):
        yield world.composed()
        return
    url = world.store._engine.url.render_as_string(hide_password=False)
    async with postgres_store(url) as store:
        yield compose(store, world.clock, world.jobs, *around)


@pytest.mark.parametrize("ask_again", [False, True])
async def test_either_it_is_revoked_and_not_run_or_it_runs_and_is_not_revoked(
    world: World, other: Domain, ask_again: bool
) -> None:
    seen = set()
    for number in range(ROUNDS):
        run, request = await world.approved()
        claim = world.runs.claim(run, request.id, request.arguments)
        revocation = other.approvals.revoke(
            request.id, acting(BEN), reason="Second thoughts.", ask_again=ask_again
        )
        steps = (claim, revocation) if number % 2 else (revocation, claim)
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        claimed, revoked = outcomes if number % 2 else reversed(outcomes)
        now = await world.now(request)
        kinds = await world.kinds(request.session_id)

        ran = isinstance(claimed, Request) and claimed.status is RequestStatus.EXECUTING
        seen.add(ran)
        assert ran is (now.status is RequestStatus.EXECUTING)
        assert ("claimed" in kinds, "revoked" in kinds) == (ran, not ran)
        if ran:
            assert isinstance(revoked, AlreadyUsedError), revoked
            assert "approved by Ben" in str(revoked)
            assert f"has begun at {world.clock.now():%Y-%m-%d %H:%M}" in str(revoked)
        else:
            assert isinstance(revoked, Request), revoked
            assert isinstance(claimed, Result | LostLeaseError | IntegrityError), claimed
    verification = await world.records.verify()

    assert verification.verified, verification.problems
    assert seen


async def test_vote_that_is_taken_back_makes_no_quorum_whoever_is_first(
    world: World, other: Domain
) -> None:
    for number in range(ROUNDS):
        (request,) = await world.asked("wire")
        await world.vote(request, BEN)
        back = other.approvals.withdraw(request.id, acting(BEN))
        yes = world.vote(request, CARA)
        steps = (back, yes) if number % 2 else (yes, back)
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        refused = [o for o in outcomes if isinstance(o, CountersignError)]
        now = await world.now(request)
        votes = {v.principal_id for v in await world.records.votes(request.id)}

        if now.status is RequestStatus.APPROVED:
            assert ({"ben", "cara"}, 1) == (votes, len(refused))
        else:
            assert ({"cara"}, 0, 0) == (votes, now.stage, len(refused))
    verification = await world.records.verify()

    assert verification.verified, verification.problems


async def test_two_who_fill_parallel_stages_at_once_both_count(world: World, other: Domain) -> None:
    for _ in range(ROUNDS):
        (request,) = await world.asked("both")
        elsewhere = other.approvals.vote(
            request.id, acting(DAVE), verdict=Verdict.APPROVE, digest=request.digest
        )
        await asyncio.gather(world.vote(request, BEN), elsewhere)

        assert RequestStatus.APPROVED is (await world.now(request)).status
        assert 2 == len(await world.records.votes(request.id))
