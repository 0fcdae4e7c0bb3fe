"""What people did in tickets: each act counts once, however often it is read."""

from __future__ import annotations

import asyncio

import pytest

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ExpiredError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
)
from countersign.approvals.models import (
    Actor,
    Request,
    RequestId,
    RequestStatus,
    Verdict,
    Via,
)
from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import ActKey, RecordedAct
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, acting
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
ACT = ActKey(channel="jira", ticket_id="10001", act_id="h1")
STRANGER = Actor(principal=None, via=Via("jira"), identity="jira:acc-mallory")


async def recorded(world: World, act: ActKey = ACT) -> RecordedAct | None:
    return await world.store.read(lambda c: rows.act(c, act))


async def entries(world: World, request: Request, kind: str) -> int:
    return list(await world.kinds(request.session_id)).count(kind)


async def test_act_is_recorded_with_the_vote_that_it_was(world: World) -> None:
    (request,) = await world.asked()
    approved = await world.vote(request, BEN, act=ACT)

    assert RequestStatus.APPROVED is approved.status
    assert RecordedAct(key=ACT, request_id=request.id, reason="", answered=False) == (
        await recorded(world)
    )


async def test_act_that_is_read_again_changes_nothing(world: World) -> None:
    (request,) = await world.asked("pay")
    once = await world.vote(request, BEN, act=ACT)
    before = await world.records.ledger(request.session_id)
    again = await world.vote(request, BEN, act=ACT)

    assert once == again
    assert 1 == len(await world.records.votes(request.id))
    assert before == await world.records.ledger(request.session_id)


async def test_act_that_decided_is_no_late_vote_when_it_is_read_again(world: World) -> None:
    (request,) = await world.asked()
    decided = await world.vote(request, BEN, act=ACT)
    again = await world.vote(request, BEN, Verdict.REJECT, act=ACT)

    assert decided == again


async def test_act_that_is_read_many_times_at_once_counts_once(world: World) -> None:
    (request,) = await world.asked("pay")
    outcomes = await asyncio.gather(*(world.vote(request, BEN, act=ACT) for _ in range(20)))

    assert [RequestStatus.PENDING] * 20 == [outcome.status for outcome in outcomes]
    assert 1 == await entries(world, request, "voted")


@pytest.mark.parametrize(
    "other",
    [{"act_id": "h2"}, {"ticket_id": "10002"}, {"channel": "servicenow"}],
    ids=["act", "ticket", "system"],
)
async def test_another_act_is_a_vote_of_its_own(world: World, other: dict[str, str]) -> None:
    (request,) = await world.asked("pay")
    await world.vote(request, BEN, act=ACT)
    await world.vote(request, CARA, act=ACT.model_copy(update=other))

    assert ["ben", "cara"] == [vote.principal_id for vote in await world.records.votes(request.id)]


async def test_refused_act_is_on_the_ledger_once_and_raises_once(world: World) -> None:
    (request,) = await world.asked()
    with pytest.raises(NotAuthorisedError) as raised:
        await world.vote(request, ERIN, act=ACT)
    again = await world.vote(request, ERIN, act=ACT)
    known = await recorded(world)

    assert RequestStatus.PENDING is again.status
    assert known is not None
    assert str(raised.value) == known.reason
    assert 1 == await entries(world, request, "vote_refused")


async def test_act_of_who_asked_for_it_is_refused_however_often_it_is_read(world: World) -> None:
    world.directory.set_roles(ANNA.id, "manager")
    anna = world.directory.by_id(ANNA.id)
    assert anna is not None
    (request,) = await world.asked()
    with pytest.raises(NotAuthorisedError):
        await world.vote(request, anna, act=ACT)
    again = await world.vote(request, anna, act=ACT)

    assert RequestStatus.PENDING is again.status
    assert [] == list(await world.records.votes(request.id))


async def test_act_after_the_deadline_is_recorded_with_the_expiry(world: World) -> None:
    (request,) = await world.asked()
    world.clock.advance(3600)
    with pytest.raises(ExpiredError) as raised:
        await world.vote(request, BEN, act=ACT)
    known = await recorded(world)

    assert known is not None
    assert str(raised.value) == known.reason
    assert RequestStatus.EXPIRED is (await world.now(request)).status


async def test_act_that_cannot_be_a_vote_leaves_no_trace(world: World) -> None:
    (request,) = await world.asked()
    before = await world.records.ledger(request.session_id)
    with pytest.raises(StaleDigestError):
        await world.vote(request, BEN, digest=sha256_hex(b"another"), act=ACT)
    with pytest.raises(InvalidError):
        await world.vote(request, BEN, Verdict.REJECT, comment=" ", act=ACT)

    assert await recorded(world) is None
    assert before == await world.records.ledger(request.session_id)


async def test_late_act_is_told_who_decided_and_leaves_no_trace(world: World) -> None:
    (request,) = await world.asked()
    await world.vote(request, BEN)
    with pytest.raises(AlreadyDecidedError, match="Ben"):
        await world.vote(request, CARA, act=ACT)

    assert await recorded(world) is None


async def test_attempt_that_a_ticket_refuses_is_on_the_ledger_once(world: World) -> None:
    (request,) = await world.asked()
    for _ in range(3):
        await world.approvals.refuse(request.id, STRANGER, "Nobody knows them.", act=ACT)
    entry = (await world.records.ledger(request.session_id))[-1]

    assert 1 == await entries(world, request, "vote_refused")
    assert ("jira:acc-mallory", "jira", "Nobody knows them.") == (
        entry.body["identity"],
        entry.body["via"],
        entry.body["reason"],
    )
    assert RequestStatus.PENDING is (await world.now(request)).status


async def test_attempt_without_an_act_is_on_the_ledger_each_time(world: World) -> None:
    (request,) = await world.asked()
    for _ in range(2):
        await world.approvals.refuse(request.id, STRANGER, "Nobody knows them.")

    assert 2 == await entries(world, request, "vote_refused")


async def test_refused_act_is_no_vote_afterwards(world: World) -> None:
    (request,) = await world.asked()
    await world.approvals.refuse(request.id, acting(BEN), "The text was changed.", act=ACT)
    await world.vote(request, BEN, act=ACT)
    known = await recorded(world)

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert known is not None
    assert "The text was changed." == known.reason


async def test_what_happened_to_a_ticket_is_noted_once(world: World) -> None:
    (request,) = await world.asked()
    body = {"channel": "jira", "ticket": "OPS-1"}
    new = [
        await world.approvals.note(request.id, "ticket_lost", body, act=ACT, reason="It is gone.")
        for _ in range(2)
    ]
    entry = (await world.records.ledger(request.session_id))[-1]
    known = await recorded(world)

    assert [True, False] == new
    assert 1 == await entries(world, request, "ticket_lost")
    assert {"request": request.id, **body} == entry.body
    assert known is not None
    assert "It is gone." == known.reason
    assert () == (await world.records.verify(request.session_id)).problems


async def test_nothing_is_recorded_about_a_request_that_is_not_there(world: World) -> None:
    nowhere = RequestId("R-NOWHERE")
    with pytest.raises(NotFoundError):
        await world.approvals.refuse(nowhere, STRANGER, "No.", act=ACT)
    with pytest.raises(NotFoundError):
        await world.approvals.note(nowhere, "ticket_lost", {}, act=ACT)

    assert await recorded(world) is None


async def test_answer_to_one_stage_is_none_to_the_next(world: World) -> None:
    (request,) = await world.asked("pay")
    await world.vote(request, BEN)
    await world.vote(request, CARA)
    with pytest.raises(StaleDigestError, match="step 2"):
        await world.vote(request, DAVE, stage=0)

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert RequestStatus.APPROVED is (await world.vote(request, DAVE, stage=1)).status


async def test_act_on_what_is_asked_again_says_why_it_did_not_count(world: World) -> None:
    (request,) = await world.asked()
    world.catalog.version = "2"
    with pytest.raises(StaleDigestError):
        await world.vote(request, BEN, act=ACT)
    kept = await recorded(world)

    assert kept is not None
    assert "An earlier release asked this" in kept.reason
    assert 2 == (await world.now(request)).revision
