"""Votes that are taken back, and approvals that are revoked before anybody used them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign.approvals.errors import (
    AlreadyDecidedError,
    AlreadyUsedError,
    CountersignError,
    ExpiredError,
    IntegrityError,
    InvalidError,
    LostLeaseError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
)
from countersign.approvals.models import (
    Cause,
    Placing,
    Request,
    RequestStatus,
    Result,
    SessionStatus,
    Verdict,
)
from countersign.approvals.tickets import ActKey
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ROOT, STRANGER, acting
from tests.doubles.world import RULES, World

pytestmark = pytest.mark.asyncio
WHY = "I read the wrong quote."


async def withdraw(world: World, request: Request, who: Any = BEN, **more: Any) -> Request:
    return await world.approvals.withdraw(request.id, acting(who), **more)


async def revoke(world: World, request: Request, who: Any = BEN, **more: Any) -> Request:
    more.setdefault("reason", WHY)
    return await world.approvals.revoke(request.id, acting(who), **more)


async def sound(world: World) -> bool:
    found = await world.records.verify()
    assert found.verified, found.problems
    return True


async def test_vote_is_taken_back_while_nothing_is_decided(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request)
    left = await withdraw(world, request)

    assert (RequestStatus.PENDING, request.digest) == (left.status, left.digest)
    assert [] == await world.records.votes(request.id)
    assert "vote_withdrawn" == (await world.kinds(request.session_id))[-1]
    await world.vote(left, BEN)
    assert RequestStatus.APPROVED is (await world.vote(left, CARA)).status
    assert await sound(world)


async def test_withdrawn_vote_does_not_make_a_quorum_at_the_claim(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request)
    await withdraw(world, request)
    await world.vote(request, CARA)

    assert RequestStatus.PENDING is (await world.now(request)).status
    await world.vote(request, DAVE)
    run = await world.begin(request.session_id)
    claimed = await world.runs.claim(run, request.id, request.arguments)
    assert isinstance(claimed, Request), claimed
    assert await sound(world)


async def test_step_that_was_through_is_open_again(world: World) -> None:
    (request,) = await world.asked("pay")
    await world.vote(request)
    second = await world.vote(request, CARA)
    left = await withdraw(world, request)

    assert (1, 0) == (second.stage, left.stage)
    shown = [d.target for d in await world.records.deliveries(request.id)]
    assert {"person:ben", "person:cara", "person:dave"} <= set(shown)
    assert [request.id] == [r.id for r in await world.records.waiting_for(BEN)]
    assert not await world.records.waiting_for(DAVE)
    await world.vote(left)
    assert RequestStatus.APPROVED is (await world.vote(await world.now(left), DAVE)).status
    assert await sound(world)


async def test_step_whose_ticket_is_closed_is_asked_anew(world: World) -> None:
    """A ticket that was answered stays so; the others' votes were for the tickets of before."""
    world.channel.placing = Placing(in_tickets=True)
    world.use(RULES)
    (request,) = await world.asked("pay")
    await world.vote(request)
    await world.vote(request, CARA)
    left = await withdraw(world, request)

    assert (2, 0, request.digest) == (left.revision, left.stage, left.digest)
    assert "Ben has taken back an approval" in left.asked_again
    targets = [d.target for d in await world.records.deliveries(request.id)]
    assert ["ticket:1.0", "ticket:1.1", "ticket:2.0"] == sorted(targets)
    await world.vote(left)
    assert 0 == (await world.now(left)).stage
    await world.vote(left, CARA)
    assert RequestStatus.APPROVED is (await world.vote(await world.now(left), DAVE)).status
    assert await sound(world)


async def test_vote_that_nobody_gave_cannot_be_taken_back(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request)

    with pytest.raises(InvalidError, match="have not voted"):
        await withdraw(world, request, CARA)
    with pytest.raises(NotAuthorisedError):
        await world.approvals.withdraw(request.id, STRANGER)
    with pytest.raises(NotFoundError):
        await world.approvals.withdraw(type(request.id)("R-none"), acting(BEN))
    assert ["ben"] == [v.principal_id for v in await world.records.votes(request.id)]


async def test_vote_on_an_earlier_revision_is_nothing_to_take_back(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request)
    await world.vote(request, CARA, Verdict.MODIFY, arguments={"customer": "C", "amount": 1})

    with pytest.raises(InvalidError, match="have not voted on this request as it stands"):
        await withdraw(world, request)


async def test_decided_and_expired_requests_keep_their_votes(world: World) -> None:
    (request,) = await world.asked()
    await world.vote(request)
    with pytest.raises(AlreadyDecidedError):
        await withdraw(world, request)

    (late,) = await world.asked("pay")
    await world.vote(late)
    world.clock.advance(7200)
    for _ in range(2):  # found expired, and known to be
        with pytest.raises(ExpiredError):
            await withdraw(world, late)
    assert RequestStatus.EXPIRED is (await world.now(late)).status


async def test_same_act_in_a_ticket_takes_back_once(world: World) -> None:
    (request,) = await world.asked("wire")
    await world.vote(request)
    act = ActKey(channel="jira", ticket_id="1", act_id="comment:7")
    await withdraw(world, request, act=act)
    await world.vote(request)
    again = await withdraw(world, request, act=act)

    assert RequestStatus.PENDING is again.status
    assert ["ben"] == [v.principal_id for v in await world.records.votes(request.id)]


@pytest.mark.parametrize("who", [BEN, ROOT])
async def test_approval_is_revoked_before_its_call_has_begun(world: World, who: Any) -> None:
    run, request = await world.approved()
    revoked = await revoke(world, request, who)

    assert revoked.decision is not None
    assert revoked.result is not None
    assert (RequestStatus.REJECTED, Verdict.REJECT, who.id, WHY) == (
        revoked.status,
        revoked.decision.verdict,
        revoked.decision.by,
        revoked.decision.comment,
    )
    assert (Cause.REJECTED, True) == (revoked.result.cause, revoked.result.retry)
    assert ["revoked", "decided"] == list((await world.kinds(run.session.id))[-2:])
    result = await world.runs.claim(run, request.id, request.arguments)
    assert isinstance(result, Result)
    assert WHY in result.message
    assert await sound(world)


async def test_only_who_approved_it_or_an_administrator_revokes(world: World) -> None:
    run, request = await world.approved()

    for who in (CARA, ANNA):
        with pytest.raises(NotAuthorisedError, match="You have not approved this"):
            await revoke(world, request, who)
    for again in (False, True):
        with pytest.raises(NotAuthorisedError, match="not known"):
            await world.approvals.revoke(request.id, STRANGER, reason=WHY, ask_again=again)
    assert 4 == (await world.kinds(run.session.id)).count("revoking_refused")
    assert request == await world.now(request)


async def test_revocation_needs_a_reason_and_something_to_revoke(world: World) -> None:
    _, request = await world.approved()
    (pending,) = await world.asked()
    (rejected,) = await world.asked()
    await world.vote(rejected, verdict=Verdict.REJECT)

    for reason in (" ", "x" * 4001):
        with pytest.raises(InvalidError, match="why you revoke it"):
            await revoke(world, request, reason=reason)
    with pytest.raises(InvalidError, match="Nothing is decided yet"):
        await revoke(world, pending)
    with pytest.raises(AlreadyDecidedError, match="reject by Ben"):
        await revoke(world, rejected)


async def test_used_approval_says_who_gave_it_and_since_when_it_is_used(world: World) -> None:
    _, request = await world.executing()

    for again in (False, True):
        with pytest.raises(AlreadyUsedError, match="approved by Ben through teams") as caught:
            await revoke(world, request, ask_again=again)
        assert world.clock.now() == caught.value.begun_at
        assert f"has begun at {world.clock.now():%Y-%m-%d %H:%M:%S}" in str(caught.value)


async def test_revoked_approval_can_be_asked_again(world: World) -> None:
    run, request = await world.approved()
    again = await revoke(world, request, ask_again=True)

    assert (RequestStatus.PENDING, 2, None) == (again.status, again.revision, again.decision)
    assert f"Ben has revoked the approval: {WHY}" == again.asked_again
    assert SessionStatus.WAITING is (await world.records.session(run.session.id)).status
    with pytest.raises(LostLeaseError):
        await world.runs.claim(run, request.id, request.arguments)
    assert await sound(world)
    await world.vote(again, CARA)
    run = await world.begin(request.session_id)
    assert isinstance(await world.runs.claim(run, request.id, again.arguments), Request)
    assert await sound(world)


async def test_it_is_not_asked_again_once_what_was_proposed_with_it_has_begun(
    world: World,
) -> None:
    run = await world.begun()
    first, second = await world.submit(run, "quote", "quote")
    await world.vote(first)
    await world.vote(second)
    run = await world.begin(run.session.id)
    assert isinstance(await world.runs.claim(run, first.id, first.arguments), Request)

    with pytest.raises(AlreadyUsedError, match="proposed together with it has begun"):
        await revoke(world, second, ask_again=True)
    assert RequestStatus.REJECTED is (await revoke(world, second)).status
    assert await sound(world)


async def test_revoked_while_others_of_the_batch_are_asked(world: World) -> None:
    run = await world.begun()
    first, second = await world.submit(run, "quote", "quote")
    await world.vote(first)
    again = await revoke(world, first, ask_again=True)

    assert SessionStatus.WAITING is (await world.records.session(run.session.id)).status
    await world.vote(again)
    assert RequestStatus.REJECTED is (await revoke(world, await world.now(first))).status
    await world.vote(second)
    assert SessionStatus.RUNNING is (await world.records.session(run.session.id)).status
    assert await sound(world)


@pytest.mark.parametrize("ask_again", [True, False])
async def test_approval_that_its_session_has_left_behind_is_nothing_to_revoke(
    world: World, ask_again: bool
) -> None:
    """It cannot run, and the session waits for something else."""
    run = await world.begun()
    (left,) = await world.submit(run, "quote")
    await world.vote(left)
    run = await world.begin(run.session.id)
    (asked,) = await world.submit(run, "quote")

    with pytest.raises(InvalidError, match="proposed last"):
        await revoke(world, left, ask_again=ask_again)
    assert RequestStatus.APPROVED is (await world.now(left)).status
    assert RequestStatus.PENDING is (await world.now(asked)).status
    assert SessionStatus.WAITING is (await world.records.session(run.session.id)).status
    assert await sound(world)


async def test_revoked_and_denied_meanwhile_is_not_asked_again(world: World) -> None:
    run, request = await world.approved()
    world.change_rule("quote", "deny")
    ended = await revoke(world, request, ask_again=True)

    assert RequestStatus.CANCELLED is ended.status
    assert SessionStatus.RUNNING is (await world.records.session(run.session.id)).status
    assert await sound(world)


async def test_revocation_that_comes_after_another_one_changes_nothing(world: World) -> None:
    _, request = await world.approved()
    outcomes = await asyncio.gather(
        *(revoke(world, request, ask_again=bool(n % 2)) for n in range(8)), return_exceptions=True
    )

    assert 1 == sum(isinstance(o, Request) for o in outcomes)
    late = [o for o in outcomes if not isinstance(o, Request)]
    assert all(isinstance(o, CountersignError) for o in late), late
    assert await sound(world)


async def test_revision_that_was_asked_again_meanwhile_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the write somebody else revokes it, and it is approved anew."""
    _, request = await world.approved()
    checked, catalog = world.catalog.checked, world.catalog

    async def slow(*call: Any) -> Any:
        monkeypatch.setattr(catalog, "checked", checked)
        again = await revoke(world, request, ROOT, ask_again=True)
        await world.vote(again)
        return await checked(*call)

    monkeypatch.setattr(catalog, "checked", slow)
    with pytest.raises(StaleDigestError, match="asked again meanwhile"):
        await revoke(world, request, ask_again=True)

    now = await world.now(request)
    assert (RequestStatus.APPROVED, 2) == (now.status, now.revision)


async def test_authority_that_was_lost_meanwhile_revokes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, request = await world.approved()
    checked = world.catalog.checked

    async def slow(*call: Any) -> Any:
        root.principal = world.directory.set_roles("root")
        return await checked(*call)

    class Root:
        """Acts with the roles of the moment."""

        principal = ROOT
        via, identity = acting(ROOT).via, acting(ROOT).identity

    root: Any = Root()
    monkeypatch.setattr(world.catalog, "checked", slow)
    with pytest.raises(NotAuthorisedError):
        await world.approvals.revoke(request.id, root, reason=WHY, ask_again=True)
    assert RequestStatus.APPROVED is (await world.now(request)).status


@pytest.mark.parametrize("ask_again", [False, True])
@pytest.mark.parametrize("claim_first", [True, False])
async def test_claim_and_revocation_never_both_win(
    world: World, claim_first: bool, ask_again: bool
) -> None:
    run, request = await world.approved()
    claim = world.runs.claim(run, request.id, request.arguments)
    steps = [claim, revoke(world, request, ask_again=ask_again)]
    first, second = await asyncio.gather(
        *(steps if claim_first else reversed(steps)), return_exceptions=True
    )
    claimed, revoked = (first, second) if claim_first else (second, first)
    now = await world.now(request)

    if now.status is RequestStatus.EXECUTING:
        assert isinstance(claimed, Request)
        assert isinstance(revoked, AlreadyUsedError)
    else:
        assert not isinstance(claimed, Request)
        assert isinstance(claimed, Result | LostLeaseError | IntegrityError)
        assert isinstance(revoked, Request)
    assert await sound(world)


async def test_policies_approval_is_nobodys_to_revoke(world: World) -> None:
    world.use(RULES)
    run = await world.begun()
    (request,) = await world.submit(run, "look")

    with pytest.raises(NotAuthorisedError):
        await revoke(world, request)
