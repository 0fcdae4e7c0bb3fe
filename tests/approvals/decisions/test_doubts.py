"""A person says what became of a call of which nobody else could."""

from __future__ import annotations

import asyncio

import pytest

from countersign.approvals.decisions import doubts
from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.errors import (
    IntegrityError,
    InvalidError,
    LostLeaseError,
    NotAuthorisedError,
    NotFoundError,
    NotInDoubtError,
)
from countersign.approvals.models import (
    Actor,
    Cause,
    Conversation,
    DeliveryStatus,
    Outcome,
    Request,
    RequestId,
    RequestStatus,
    Verdict,
    Via,
)
from countersign.approvals.rules.authority import reason_against_resolving
from countersign.approvals.runs import Run
from tests.approvals.store.test_backlog import figures
from tests.doubles.directory import ANNA, BEN, CARA, DAVE, ERIN, ROOT, STRANGER, acting
from tests.doubles.world import THREAD, World

pytestmark = pytest.mark.asyncio

NOTE = "The quote is there, created at 10:02."


async def doubted(world: World, tool: str = "quote") -> tuple[Run, Request]:
    """A request in doubt, and the run that has lost it."""
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, tool)
    if request.status is RequestStatus.PENDING:
        await world.vote(request)
        run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    world.clock.advance(30)
    await world.begin(request.session_id)
    return run, await world.now(request)


async def settle(
    world: World,
    request: Request,
    actor: Actor | None = None,
    *,
    happened: bool = True,
    note: str = NOTE,
) -> Request:
    by = acting(BEN, Via.API) if actor is None else actor
    return await world.approvals.resolve(request.id, by, happened=happened, note=note)


async def told(world: World) -> list[str]:
    """What has been said in the thread."""
    where = Conversation(
        key=THREAD,
        channel="teams",
        kind="channel",
        principal_id=None,
        reference={"id": "19:thread"},
        updated_at=world.clock.now(),
    )
    await world.conversations.save(where)
    await world.courier.notify(THREAD)
    return [text for _, text in world.channel.said]


@pytest.mark.parametrize(
    ("happened", "status", "outcome", "words"),
    [
        (True, RequestStatus.EXECUTED, Outcome.EXECUTED, "it took effect"),
        (False, RequestStatus.FAILED, Outcome.FAILED, "it did not take effect"),
    ],
)
async def test_word_of_a_person_settles_the_doubt(
    world: World, happened: bool, status: RequestStatus, outcome: Outcome, words: str
) -> None:
    _, request = await doubted(world)
    settled = await settle(world, request, happened=happened, note=f"  {NOTE} \ud800")
    result = settled.result
    entry = (await world.records.ledger(request.session_id))[-1]

    assert settled == await world.now(request)
    assert result is not None
    assert result.finding is not None
    assert (status, outcome, not happened) == (settled.status, result.outcome, result.retry)
    assert f"Ben looked into the target system: {words}. Note: {NOTE} ?" in result.content
    assert (happened, "ben", Via.API) == (
        result.finding.happened,
        result.finding.by,
        result.finding.via,
    )
    assert "doubt_settled" == entry.kind
    assert {
        "request": request.id,
        "digest": request.digest,
        "by": "ben",
        "via": "api",
        "identity": "entra:oid-ben",
        "happened": happened,
        "outcome": outcome,
        "note": f"{NOTE} ?",
    } == {name: value for name, value in entry.body.items() if name != "rows"}
    assert (await world.records.verify(request.session_id)).verified


async def test_what_was_changed_is_said_to_have_run_with_changes(world: World) -> None:
    (request,) = await world.asked()
    changed = {"customer": "C", "amount": 9}
    await world.vote(request, verdict=Verdict.MODIFY, arguments=changed)
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, changed)
    await world.runs.unknown(run, request.id, message="The server hung up.")
    settled = await settle(world, request)

    assert settled.result is not None
    assert Outcome.EXECUTED_WITH_CHANGES is settled.result.outcome


async def test_cards_the_thread_and_the_gauge_say_so(world: World) -> None:
    _, request = await doubted(world)
    for delivery in await world.records.deliveries(request.id):
        await world.courier.deliver(delivery.id)
    in_doubt = (await figures(world)).requests["in_doubt"]
    await settle(world, request)
    for delivery in await world.records.deliveries(request.id):
        await world.courier.deliver(delivery.id)

    assert (1, 0) == (in_doubt, (await figures(world)).requests["in_doubt"])
    assert {RequestStatus.EXECUTED} == {v.request.status for v in world.channel.cards.values()}
    assert {DeliveryStatus.CLOSED} == {
        delivery.status for delivery in await world.records.deliveries(request.id)
    }
    assert f"**Checked:** `quote` ({request.id})." in (await told(world))[-1]


async def test_settled_call_is_never_made_again_and_its_session_is_not_woken(world: World) -> None:
    _, request = await doubted(world)
    world.take()
    world.clock.advance(30)
    settled = await settle(world, request, happened=False)
    rung = {job.kind for job in world.take()}
    run = await world.begin(request.session_id)
    entries = await world.kinds(request.session_id)

    assert "run" not in rung
    assert settled.result == await world.runs.claim(run, request.id, request.arguments)
    assert 1 == entries.count("claimed")


@pytest.mark.parametrize("ok", [True, False])
async def test_late_result_after_the_word_of_a_person_changes_nothing(
    world: World, ok: bool
) -> None:
    lost, request = await doubted(world)
    settled = await settle(world, request, happened=False)
    world.take()
    said = len(await told(world))
    with pytest.raises(LostLeaseError):
        await world.runs.finish(lost, request.id, ok=ok, content="late")
    entry = (await world.records.ledger(request.session_id))[-1]
    more = (await told(world))[said:]

    assert settled == await world.now(request)
    assert ("late_result", False, "late") == (
        entry.kind,
        entry.body["stands"],
        entry.body["content"],
    )
    assert ok == any("**Check again:**" in text for text in more), more
    assert "deliver" not in {job.kind for job in world.take()}


async def test_late_failure_of_what_was_found_done_is_told(world: World) -> None:
    lost, request = await doubted(world)
    await settle(world, request)
    with pytest.raises(LostLeaseError):
        await world.runs.finish(lost, request.id, ok=False, content="late")

    assert "it failed. Ben had found otherwise" in (await told(world))[-1]


async def test_late_result_that_was_first_leaves_nothing_to_settle(world: World) -> None:
    lost, request = await doubted(world)
    with pytest.raises(LostLeaseError):
        await world.runs.finish(lost, request.id, ok=True, content="late")

    with pytest.raises(NotInDoubtError, match="is executed, so there is no doubt"):
        await settle(world, request)


async def test_only_a_request_in_doubt_can_be_settled(world: World) -> None:
    (pending,) = await world.asked()
    _, approved = await world.approved()
    _, executing = await world.executing()

    for request in (pending, approved, executing):
        with pytest.raises(NotInDoubtError) as caught:
            await settle(world, request)
        assert (request.status, None) == (caught.value.status, caught.value.finding)
        assert request == await world.now(request)
    with pytest.raises(NotFoundError):
        await world.approvals.resolve(RequestId("R-0"), acting(BEN), happened=True, note=NOTE)


@pytest.mark.parametrize(
    ("actor", "reason"),
    [
        (acting(ANNA), "You asked for this yourself"),
        (acting(ERIN), "This needs the role manager"),
        (acting(ROOT), "This needs the role manager"),
        (STRANGER, "You are not known here"),
    ],
    ids=["requester", "no role", "admin", "stranger"],
)
async def test_nobody_else_may_settle_and_the_attempt_is_on_the_ledger(
    world: World, actor: Actor, reason: str
) -> None:
    _, request = await doubted(world)
    world.directory.set_roles(ANNA.id, "sales", "manager")
    if actor.principal is not None:
        known = world.directory.by_id(actor.principal.id)
        actor = actor.model_copy(update={"principal": known})
    with pytest.raises(NotAuthorisedError, match=reason):
        await settle(world, request, actor)
    entry = (await world.records.ledger(request.session_id))[-1]

    assert request == await world.now(request)
    assert ("settling_refused", actor.identity, True) == (
        entry.kind,
        entry.body["identity"],
        entry.body["happened"],
    )
    assert reason in entry.body["reason"]


async def test_approver_of_any_stage_may_settle(world: World) -> None:
    (request,) = await world.asked("pay")

    for who in (BEN, CARA, DAVE):
        assert reason_against_resolving(who, request) is None
    assert "This needs the role manager or controller." == reason_against_resolving(ERIN, request)


async def test_what_a_rule_let_run_is_settled_by_an_admin(world: World) -> None:
    _, request = await doubted(world, "look")
    with pytest.raises(NotAuthorisedError, match="needs the role admin"):
        await settle(world, request)
    settled = await settle(world, request, acting(ROOT))

    assert RequestStatus.EXECUTED is settled.status


@pytest.mark.parametrize("note", ["", " \n ", "x" * 1_001])
async def test_note_is_required_and_bounded(world: World, note: str) -> None:
    _, request = await doubted(world)
    with pytest.raises(InvalidError, match="Say in the note"):
        await settle(world, request, note=note)

    assert request == await world.now(request)
    assert "in_doubt" == (await world.kinds(request.session_id))[-1]
    assert RequestStatus.EXECUTED is (await settle(world, request, note="x" * 1_000)).status


async def test_of_many_who_settle_one_does_and_the_others_are_told_who(world: World) -> None:
    _, request = await doubted(world)
    words = [
        settle(world, request, acting(who), happened=happened)
        for who in (BEN, CARA)
        for happened in (True, False) * 5
    ]
    outcomes = await asyncio.gather(*words, return_exceptions=True)
    (winner,) = (o for o in outcomes if isinstance(o, Request))
    losers = [o for o in outcomes if isinstance(o, NotInDoubtError)]

    assert winner == await world.now(request)
    assert winner.result is not None
    assert winner.result.finding is not None
    name = winner.result.finding.by_name
    assert 19 == len([e for e in losers if f"{name} found at" in str(e)])
    assert 1 == (await world.kinds(request.session_id)).count("doubt_settled")


async def test_word_in_a_slower_transaction_is_refused(world: World) -> None:
    _, stale = await doubted(world)
    settled = await settle(world, stale)
    slower = doubts.Doubts(world.store, world.moments, world.outbox, Budgeting(world.policy))
    finding = doubts.found_by(CARA, acting(CARA), world.clock.now(), happened=False, note=NOTE)

    with pytest.raises(IntegrityError, match="changed while it was being written"):
        await world.unit(lambda unit: slower._resolved(unit, stale, acting(CARA), finding))

    assert settled == await world.now(stale)
    assert Cause.IN_DOUBT is (stale.result.cause if stale.result else None)
