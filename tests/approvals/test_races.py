"""Everybody at once: one wins, all others are told the truth."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign.approvals.decisions.asking import Asking
from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.deadlines import Deadlines
from countersign.approvals.decisions.replacing import decide, replace
from countersign.approvals.decisions.steps import Steps
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ClosedError,
    CountersignError,
    ExpiredError,
    IntegrityError,
    LostLeaseError,
)
from countersign.approvals.models import (
    Request,
    RequestStatus,
    SessionStatus,
    Verdict,
    Via,
)
from countersign.approvals.store import requests as request_rows
from tests.doubles.directory import ANNA, acting, person
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio


async def test_fifty_votes_are_one_decision_and_49_clear_answers(world: World) -> None:
    crowd = [person(f"Manager{n}", "manager") for n in range(50)]
    (request,) = await world.asked()
    votes = [
        world.approvals.vote(
            request.id,
            acting(who, Via.API if n % 2 else Via("teams")),
            verdict=Verdict.REJECT if n % 3 == 0 else Verdict.APPROVE,
            digest=request.digest,
            comment="Because.",
        )
        for n, who in enumerate(crowd)
    ]
    outcomes = await asyncio.gather(*votes, return_exceptions=True)
    winners = [o for o in outcomes if isinstance(o, Request)]
    losers = [o for o in outcomes if isinstance(o, AlreadyDecidedError)]
    decision = (await world.now(request)).decision

    assert (1, 49) == (len(winners), len(losers))
    assert decision is not None
    assert {decision.by} == {loser.decision.by for loser in losers if loser.decision}
    for loser in losers:
        assert f"by {decision.by_name} at {decision.at:%Y-%m-%d %H:%M:%S UTC}" in str(loser)
        assert f"through {decision.via}" in str(loser)
    assert 1 == len(await world.records.votes(request.id))
    assert ["session_started", "proposed", "voted", "decided"] == await world.kinds(
        request.session_id
    )


async def test_one_person_who_clicks_fifty_times_votes_once(world: World) -> None:
    (request,) = await world.asked("wire")
    outcomes = await asyncio.gather(
        *(world.vote(request) for _ in range(50)), return_exceptions=True
    )

    assert 1 == sum(isinstance(o, Request) for o in outcomes)
    assert 1 == len(await world.records.votes(request.id))
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_fifty_begins_are_one_lease(world: World) -> None:
    session = await world.start()
    runs = await asyncio.gather(*(world.runs.begin(session.id) for _ in range(50)))

    assert [1] == [run.epoch for run in runs if run is not None]


async def test_fifty_claims_are_one_execution(world: World) -> None:
    run, request = await world.approved()
    outcomes = await asyncio.gather(
        *(world.runs.claim(run, request.id, request.arguments) for _ in range(50)),
        return_exceptions=True,
    )

    assert 1 == sum(isinstance(o, Request) for o in outcomes)
    assert 1 == (await world.kinds(run.session.id)).count("claimed")


@pytest.mark.parametrize("claim_first", [True, False])
async def test_claim_and_cancel_never_both_win(world: World, claim_first: bool) -> None:
    run, request = await world.approved()
    claim = world.runs.claim(run, request.id, request.arguments)
    cancel = world.approvals.cancel(run.session.id, acting(ANNA))
    steps = (claim, cancel) if claim_first else (cancel, claim)
    first, second = await asyncio.gather(*steps, return_exceptions=True)
    now = await world.now(request)

    assert SessionStatus.CANCELLED is (await world.records.session(run.session.id)).status
    if claim_first:
        assert isinstance(first, Request)
        assert RequestStatus.EXECUTING is now.status
        with pytest.raises(LostLeaseError):
            await world.require_lease(run)
    else:
        assert isinstance(second, LostLeaseError)
        assert RequestStatus.CANCELLED is now.status


@pytest.mark.parametrize("vote_first", [True, False])
async def test_vote_and_expiry_at_the_very_deadline_both_say_expired(
    world: World, vote_first: bool
) -> None:
    (request,) = await world.asked()
    world.clock.advance(3600)
    vote, expire = world.vote(request), world.approvals.expire(request.id)
    steps = (vote, expire) if vote_first else (expire, vote)
    outcomes = await asyncio.gather(*steps, return_exceptions=True)

    assert 1 == sum(isinstance(o, ExpiredError) for o in outcomes)
    assert RequestStatus.EXPIRED is (await world.now(request)).status
    assert 1 == (await world.kinds(request.session_id)).count("expired")


async def test_votes_and_a_cancel_leave_one_end(world: World) -> None:
    requests = await world.asked(*["quote"] * 10)
    steps = [world.vote(r) for r in requests]
    steps.insert(5, world.approvals.cancel(requests[0].session_id, acting(ANNA)))  # type: ignore[arg-type]
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    stored = [await world.now(r) for r in requests]

    assert {RequestStatus.CANCELLED} == {r.status for r in stored}
    undecided = sum(r.decision is None for r in stored)
    assert undecided == sum(isinstance(o, AlreadyDecidedError) for o in outcomes)


async def test_same_idempotency_key_at_once_is_one_session(world: World) -> None:
    sessions = await asyncio.gather(
        *(
            world.runs.start(
                workflow="sales",
                workflow_version="1",
                task="Quote",
                owner=ANNA.id,
                idempotency_key="key",
            )
            for _ in range(50)
        )
    )

    assert 1 == len({session.id for session in sessions})


async def test_many_cancels_are_one(world: World) -> None:
    session = await world.start()
    outcomes = await asyncio.gather(
        *(world.approvals.cancel(session.id, acting(ANNA)) for _ in range(20)),
        return_exceptions=True,
    )

    assert 19 == sum(isinstance(o, ClosedError) for o in outcomes)
    assert 1 == (await world.kinds(session.id)).count("session_cancelled")


async def test_ledgers_stay_whole_under_load(world: World) -> None:
    sessions = await asyncio.gather(*(world.asked("quote", "wire") for _ in range(20)))
    votes = [world.vote(r) for requests in sessions for r in requests for _ in range(3)]
    outcomes = await asyncio.gather(*votes, return_exceptions=True)

    assert all(isinstance(o, Request | CountersignError) for o in outcomes)
    assert (await world.records.verify()).verified


async def overtaken(world: World) -> tuple[Request, Request]:
    """A pending request as a slower transaction has read it, and what has become of it."""
    (stale,) = await world.asked()
    return stale, await world.vote(stale, comment="First.")


async def test_decision_of_a_slower_transaction_is_refused_with_the_first_one(
    world: World,
) -> None:
    stale, decided = await overtaken(world)
    second = stale.model_copy(update={"status": RequestStatus.REJECTED})

    with pytest.raises(AlreadyDecidedError) as caught:
        await world.unit(lambda unit: decide(unit, stale, second))

    assert decided.decision == caught.value.decision
    assert decided == await world.now(stale)


async def test_expiry_in_a_slower_transaction_changes_nothing(world: World) -> None:
    stale, decided = await overtaken(world)
    policy, outbox = world.policy, world.outbox
    asking = Asking(policy, world.catalog, outbox, Budgeting(policy))
    steps = Steps(policy, outbox)
    deadlines = Deadlines(policy, asking, steps, outbox)
    found = await world.unit(lambda unit: deadlines.expire(unit, stale))

    assert decided == found == await world.now(stale)
    assert "expired" not in await world.kinds(stale.session_id)


async def test_execution_in_a_slower_transaction_is_refused(world: World) -> None:
    run, request = await world.approved()
    await world.runs.claim(run, request.id, request.arguments)
    second = request.model_copy(update={"status": RequestStatus.EXECUTING})

    with pytest.raises(IntegrityError, match="changed while it was being written"):
        await world.unit(lambda unit: replace(unit, request, second))


@pytest.mark.parametrize(
    "field", [{"revision": 2}, {"stage": 1}, {"status": RequestStatus.APPROVED}]
)
async def test_compare_and_set_looks_at_status_revision_and_stage(
    world: World, field: dict[str, Any]
) -> None:
    (request,) = await world.asked()
    other = request.model_copy(update=field)
    written = await world.unit(lambda unit: request_rows.replace(unit, (other, other)))

    assert not written
    assert request == await world.now(request)


async def test_store_refuses_a_move_that_the_lifecycle_does_not_know(world: World) -> None:
    run, request = await world.executing()
    await world.runs.finish(run, request.id, ok=True, content="")
    done = await world.now(request)

    with pytest.raises(IntegrityError, match="cannot go from executed to executing"):
        await world.unit(lambda unit: request_rows.replace(unit, (done, request)))
