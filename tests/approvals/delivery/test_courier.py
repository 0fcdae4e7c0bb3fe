"""Rows become cards and messages: at least once, in order, with back-off."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from countersign.approvals.backoff import BACKOFF_MAX_S, SEND_TIMEOUT_S
from countersign.approvals.decisions.outbox import OUTCOME_WAIT
from countersign.approvals.delivery.attempts import NEVER_SHOWN, TURN
from countersign.approvals.errors import (
    BusyError,
    ConfigurationError,
    NoRecipientError,
    NotFoundError,
    UnavailableError,
)
from countersign.approvals.models import (
    Conversation,
    Delivery,
    DeliveryStatus,
    Request,
    RequestStatus,
    Verdict,
)
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as rows
from tests.doubles.directory import ANNA, BEN
from tests.doubles.world import THREAD, World


def thread(**changes: Any) -> Conversation:
    values = {
        "key": THREAD,
        "channel": "teams",
        "kind": "channel",
        "principal_id": None,
        "reference": {"serviceUrl": "https://example.com"},
        "updated_at": "2026-03-02T09:00:00Z",
    }
    return Conversation.model_validate({**values, **changes})


async def only(world: World, request: Request, who: str = "ben") -> Delivery:
    found = await world.records.deliveries(request.id)
    (delivery,) = [d for d in found if d.target == f"person:{who}"]
    return delivery


async def deliver_all(world: World) -> None:
    """Answer every doorbell."""
    while rung := world.take():
        for job in rung:
            if job.kind == "deliver":
                await world.courier.deliver(job.id)
            elif job.kind == "notify":
                await world.courier.notify(job.id)


async def test_request_is_shown_to_everybody_who_can_decide_it(world: World) -> None:
    (request,) = await world.asked()
    await deliver_all(world)
    delivery = await only(world, request)

    assert {(request.id, "person:ben"), (request.id, "person:cara")} == set(world.channel.posted)
    assert (DeliveryStatus.LIVE, 1, 1, None, 0) == (
        delivery.status,
        delivery.shown_version,
        delivery.wanted_version,
        delivery.next_at,
        delivery.attempts,
    )
    assert {"card", "target"} == set(delivery.reference or {})
    assert 2 == (await world.kinds(request.session_id)).count("delivered")


async def test_requester_with_the_role_is_not_asked(world: World) -> None:
    world.directory.set_roles(ANNA.id, "manager")
    (request,) = await world.asked()

    assert {"person:ben", "person:cara"} == {
        d.target for d in await world.records.deliveries(request.id)
    }


async def test_question_is_shown_to_the_owner(world: World) -> None:
    (asked,) = await world.asked(world.question((await world.start()).id))
    world.directory.remove(ANNA.id)
    (nobody,) = await world.asked(world.question((await world.start()).id))

    assert ["person:anna"] == [d.target for d in await world.records.deliveries(asked.id)]
    assert [] == await world.records.deliveries(nobody.id)


async def test_request_of_a_thread_is_shown_there(world: World) -> None:
    world.show_in_conversations()
    await world.conversations.save(thread())
    (request,) = await world.submit(await world.begun(THREAD), "quote")

    assert [f"conversation:{THREAD}"] == [
        d.target for d in await world.records.deliveries(request.id)
    ]


async def test_decision_updates_every_card_and_closes_them_when_over(world: World) -> None:
    (request,) = await world.asked()
    await deliver_all(world)
    await world.vote(request, BEN, Verdict.REJECT)
    await deliver_all(world)

    assert {RequestStatus.REJECTED} == {v.request.status for v in world.channel.cards.values()}
    assert {DeliveryStatus.CLOSED} == {d.status for d in await world.records.deliveries(request.id)}
    assert 2 == len(world.channel.posted)


async def test_approved_request_stays_live_until_it_has_run(world: World) -> None:
    run, request = await world.executing()
    await deliver_all(world)
    during = (await only(world, request)).status
    await world.runs.finish(run, request.id, ok=True, content="")
    await deliver_all(world)

    assert DeliveryStatus.LIVE is during
    assert DeliveryStatus.CLOSED is (await only(world, request)).status
    assert {RequestStatus.EXECUTED} == {v.request.status for v in world.channel.cards.values()}


async def test_outcome_that_comes_soon_is_one_update_of_each_card(world: World) -> None:
    """With what it was approved for, not one update for that and another one right after it."""
    (request,) = await world.asked()
    await deliver_all(world)
    await world.vote(request)
    await deliver_all(world)
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="")
    world.clock.advance(OUTCOME_WAIT.total_seconds())
    await deliver_all(world)

    assert ["card-1", "card-2"] == sorted(world.channel.updated)
    assert {RequestStatus.EXECUTED} == {v.request.status for v in world.channel.cards.values()}


async def test_approval_is_shown_if_its_outcome_takes_longer(world: World) -> None:
    """Also after a crash: when it is due is in the row."""
    (request,) = await world.asked()
    await deliver_all(world)
    await world.vote(request)
    before = await world.store.read(lambda c: rows.due(c, world.clock.now(), limit=9))
    after_s = OUTCOME_WAIT.total_seconds()
    due = await world.store.read(lambda c: rows.due(c, world.clock.advance(after_s), limit=9))
    await deliver_all(world)

    assert [] == before
    assert {d.id for d in await world.records.deliveries(request.id)} == set(due)
    assert {RequestStatus.APPROVED} == {v.request.status for v in world.channel.cards.values()}


async def test_approval_is_shown_at_once_while_another_call_of_its_message_waits(
    world: World,
) -> None:
    """Nothing is run before that is decided, too."""
    one, _ = await world.asked("quote", "quote")
    await deliver_all(world)
    await world.vote(one)
    await deliver_all(world)

    assert RequestStatus.APPROVED in {v.request.status for v in world.channel.cards.values()}


async def test_changes_that_come_together_are_one_update(world: World) -> None:
    """However many doorbells each of them has rung."""
    first, *others = await world.asked("quote", "quote", "quote")
    await deliver_all(world)
    for each in others:
        await world.vote(each, verdict=Verdict.REJECT)
    await deliver_all(world)
    shown = [card for card, v in world.channel.cards.items() if v.request.id == first.id]

    assert [1, 1] == [world.channel.updated.count(card) for card in shown]


@pytest.mark.parametrize("posted", [True, False])
async def test_place_that_is_busy_is_not_tried_before_its_turn(world: World, posted: bool) -> None:
    """Nothing is built for it, and no attempt is counted."""
    (request,) = await world.asked()
    if posted:
        await deliver_all(world)
        await world.vote(request, verdict=Verdict.REJECT)
    before, world.channel.busy_for_s = dict(world.channel.cards), 4.0
    await deliver_all(world)
    during, waits = dict(world.channel.cards), await only(world, request)
    world.channel.busy_for_s = 0.0
    world.clock.advance(4)
    await world.courier.deliver(waits.id)
    came = await only(world, request)

    assert before == during
    assert (0, TURN) == (waits.attempts, waits.error)
    assert waits.next_at == world.clock.now()
    assert (came.shown_version, None) == (waits.wanted_version, came.error)


async def test_answered_question_is_over(world: World) -> None:
    (asked,) = await world.asked(world.question((await world.start()).id))
    await deliver_all(world)
    await world.vote(asked, ANNA, comment="Yes.")
    await deliver_all(world)

    assert DeliveryStatus.CLOSED is (await only(world, asked, "anna")).status


async def test_card_shows_how_many_of_its_siblings_are_open(world: World) -> None:
    one, two = await world.asked("quote", "quote")
    await deliver_all(world)
    await world.vote(one)
    await deliver_all(world)
    shown = {v.request.id: v for v in world.channel.cards.values()}

    assert [RequestStatus.APPROVED] == [s.status for s in shown[two.id].siblings]


async def test_failed_attempt_comes_back_with_growing_waits(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    waits = []
    for _ in range(4):
        world.channel.failures.append(UnavailableError("Teams is down."))
        await world.courier.deliver(delivery.id)
        delivery = await only(world, request)
        assert delivery.next_at is not None
        waits.append((delivery.next_at - world.clock.now()).total_seconds())
        await world.courier.deliver(delivery.id)  # too early: nothing is tried
        world.clock.advance(waits[-1])
    await world.courier.deliver(delivery.id)
    delivered = await only(world, request)

    assert [2, 4, 8, 16] == waits
    assert 1 == len(world.channel.posted)
    assert (DeliveryStatus.LIVE, None, 0) == (delivered.status, delivered.error, delivered.attempts)


async def test_retry_after_is_kept_even_if_the_request_changes(world: World) -> None:
    (request,) = await world.asked("wire")
    delivery = await only(world, request)
    world.channel.failures.append(UnavailableError("Slow down.", retry_after_s=120))
    await world.courier.deliver(delivery.id)
    await world.vote(request, BEN)
    waiting = await only(world, request)
    await world.courier.deliver(delivery.id)

    assert world.clock.now() + timedelta(seconds=120) == waiting.next_at
    assert "Slow down." == waiting.error
    assert [] == world.channel.posted


async def test_configuration_error_of_a_channel_is_shown_and_tried_again(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channel.failures.append(ConfigurationError("The client secret has expired."))
    await world.courier.deliver(delivery.id)

    assert "The client secret has expired." == (await only(world, request)).error


async def test_attempt_that_hangs_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channel.hold = asyncio.Event()
    monkeypatch.setattr("countersign.approvals.backoff.SEND_TIMEOUT_S", 0.01)
    await world.courier.deliver(delivery.id)

    assert "timed out" == (await only(world, request)).error
    assert SEND_TIMEOUT_S == 60


async def test_channel_that_is_not_configured_is_tried_again_later(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channels.clear()
    await world.courier.deliver(delivery.id)

    found = await only(world, request)
    assert (DeliveryStatus.PENDING, "The channel teams is not configured.") == (
        found.status,
        found.error,
    )
    assert found.next_at is not None


async def test_target_that_can_never_be_reached_is_abandoned_with_its_reason(
    world: World,
) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channel.failures.append(NotFoundError("The person left the tenant."))
    await world.courier.deliver(delivery.id)
    await world.vote(request)
    await deliver_all(world)
    abandoned = await only(world, request)

    assert (DeliveryStatus.ABANDONED, None, "The person left the tenant.") == (
        abandoned.status,
        abandoned.next_at,
        abandoned.error,
    )
    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_unavailable_channel_is_logged_once_and_its_recovery_once(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    with capture_logs() as logged:
        for _ in range(3):
            world.channel.failures.append(UnavailableError("down"))
            await world.courier.deliver(delivery.id)
            world.clock.advance(BACKOFF_MAX_S)
        await world.courier.deliver(delivery.id)

    events = ["channel unreachable", "channel reachable again", "request shown"]
    assert events == [e["event"] for e in logged]


async def test_person_who_cannot_be_reached_is_said_once_and_is_no_outage(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    with capture_logs() as logged:
        for _ in range(3):
            world.channel.failures.append(NoRecipientError("Ben has not written to the bot."))
            await world.courier.deliver(delivery.id)
            world.clock.advance(BACKOFF_MAX_S)
        waiting = await only(world, request)
        await world.courier.deliver(delivery.id)

    assert ["delivery waits", "request shown"] == [e["event"] for e in logged]
    assert "Ben has not written to the bot." == logged[0]["reason"] == waiting.error
    assert 3 == waiting.attempts


async def test_what_was_decided_before_its_person_could_be_reached_is_let_go(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    for _ in range(2):
        world.channel.failures.append(NoRecipientError("Ben has not written to the bot."))
    await world.courier.deliver(delivery.id)
    waiting = await only(world, request)
    await world.vote(request, BEN, Verdict.REJECT)
    world.clock.advance(BACKOFF_MAX_S)
    await world.courier.deliver(delivery.id)
    after = await only(world, request)

    assert (DeliveryStatus.PENDING, False) == (waiting.status, waiting.next_at is None)
    assert (DeliveryStatus.CLOSED, None, NEVER_SHOWN) == (after.status, after.next_at, after.error)
    assert [] == world.channel.posted


async def test_crash_between_sending_and_recording_sends_again(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channel.hold = asyncio.Event()
    attempt = asyncio.create_task(world.courier.deliver(delivery.id))
    await world.channel.appeared.wait()
    attempt.cancel()  # the process dies with the card on its way
    await asyncio.gather(attempt, return_exceptions=True)
    world.channel.hold = None
    await world.courier.deliver(delivery.id)
    early = len(world.channel.posted)
    world.clock.advance(90)
    await world.courier.deliver(delivery.id)

    assert (1, 2) == (early, len(world.channel.posted))
    assert DeliveryStatus.LIVE is (await only(world, request)).status


@pytest.mark.parametrize("ticket", [None, "T-1"], ids=["card", "ticket"])
async def test_what_a_suspended_server_has_shown_is_kept_beside_what_is_on_record(
    world: World, ticket: str | None
) -> None:
    """It posted, slept, and was taken over: both cards show the decision. Of tickets only the one
    on record counts; the other one is found and closed by the sweep."""
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channel.hold = asyncio.Event()
    world.channel.more = {} if ticket is None else {"ticket": ticket}
    suspended = asyncio.create_task(world.courier.deliver(delivery.id))
    await world.channel.appeared.wait()
    woken, world.channel.hold = world.channel.hold, None
    world.clock.advance(90)
    await world.courier.deliver(delivery.id)
    woken.set()
    await suspended
    await world.vote(request)
    world.clock.advance(1)
    await deliver_all(world)
    shown = [world.channel.cards[card].request.status for card in ("card-1", "card-2")]
    after = RequestStatus.APPROVED if ticket is None else RequestStatus.PENDING

    assert [after, RequestStatus.APPROVED] == shown
    assert "card-2" == ((await only(world, request)).reference or {})["card"]


@pytest.mark.parametrize(
    "error", [NotFoundError("Decided before."), UnavailableError("down"), BusyError("Not yet.")]
)
async def test_failure_of_a_suspended_server_changes_nothing_that_another_has_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Or else the card would be given up, and never say what was decided."""
    (request,) = await world.asked()
    delivery = await only(world, request)
    began, woken = asyncio.Event(), asyncio.Event()

    async def suspended(*_: object) -> None:
        began.set()
        await woken.wait()
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(world.channel, "post", suspended)
        attempt = asyncio.create_task(world.courier.deliver(delivery.id))
        await began.wait()
    world.clock.advance(90)
    await world.courier.deliver(delivery.id)
    shown = await only(world, request)
    woken.set()
    await attempt

    assert DeliveryStatus.LIVE is shown.status
    assert shown == await only(world, request)


async def test_change_during_an_attempt_is_shown_afterwards_by_the_same_card(
    world: World,
) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channel.hold = asyncio.Event()
    attempt = asyncio.create_task(world.courier.deliver(delivery.id))
    await world.channel.appeared.wait()
    await world.vote(request)
    await world.courier.deliver(delivery.id)  # its doorbell, while the card is on its way
    world.channel.hold.set()
    await attempt

    assert 1 == len(world.channel.posted)
    assert ["card-1"] == world.channel.updated
    assert RequestStatus.APPROVED is world.channel.cards["card-1"].request.status


async def test_lost_card_is_adopted_and_kept_up_to_date(world: World) -> None:
    (request,) = await world.asked()
    world.take()
    world.channel.cards["card-lost"] = await world.records.view(request.id)
    await world.approvals.adopt_delivery(request.id, "teams", {"card": "card-lost"})
    await world.approvals.adopt_delivery(request.id, "teams", {"card": "card-lost"})
    adopted = [d for d in await world.records.deliveries(request.id) if d.reference]
    await world.vote(request)
    world.clock.advance(1)
    await deliver_all(world)

    assert 1 == len(adopted)
    assert RequestStatus.APPROVED is world.channel.cards["card-lost"].request.status


async def test_card_of_an_unknown_request_is_not_adopted(world: World) -> None:
    with pytest.raises(NotFoundError):
        await world.approvals.adopt_delivery("R-0", "teams", {"card": "x"})  # type: ignore[arg-type]


async def test_card_that_is_known_already_is_not_adopted_again(world: World) -> None:
    (request,) = await world.asked()
    await deliver_all(world)
    known = await only(world, request)
    before = await world.records.deliveries(request.id)
    await world.approvals.adopt_delivery(request.id, "teams", known.reference or {})

    assert before == await world.records.deliveries(request.id)


async def test_person_who_says_hello_gets_what_waited_for_them(world: World) -> None:
    (request,) = await world.asked()
    delivery = await only(world, request)
    world.channel.failures.append(UnavailableError("No chat with Ben yet."))
    await world.courier.deliver(delivery.id)
    world.take()
    await world.conversations.save(thread(key="ben-chat", kind="personal", principal_id="ben"))
    await deliver_all(world)

    assert [(request.id, "person:ben")] == world.channel.posted


async def test_doorbell_of_an_unknown_delivery_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="no delivery D-0"):
        await world.courier.deliver("D-0")


async def test_failure_that_nobody_has_foreseen_is_shown_and_tried_again_soon(world: World) -> None:
    """Neither the delivery nor what waits behind it may hang for the length of an attempt."""
    (request,) = await world.asked()
    world.channel.failures.extend([RuntimeError("token abc"), RuntimeError("token abc")])
    with capture_logs() as logs:
        await deliver_all(world)
    delivery = await only(world, request)
    waits = delivery.next_at - world.clock.now() if delivery.next_at else None

    assert "not foreseen" in str(delivery.error)
    assert "RuntimeError" in str(delivery.error)
    assert "token abc" not in str(delivery.error)
    assert timedelta(seconds=2) == waits
    assert "delivery cannot be made" in [line["event"] for line in logs]
    world.clock.advance(2)
    await world.courier.deliver(delivery.id)
    assert DeliveryStatus.LIVE is (await only(world, request)).status


async def test_delivery_that_is_taken_elsewhere_meanwhile_is_left_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at it and the taking of it."""
    (request,) = await world.asked("quote")
    (delivery, *_) = await world.records.deliveries(request.id)
    read, met = world.store.read, list[str]()

    async def meanwhile(unit: Any) -> Any:
        found = await read(unit)
        if not met:
            met.append(delivery.id)
            await world.courier.deliver(delivery.id)
        return found

    monkeypatch.setattr(world.store, "read", meanwhile)
    await world.courier.deliver(delivery.id)

    assert [delivery.id] == met
    assert [(request.id, delivery.target)] == world.channel.posted[:1]
    assert 1 == world.channel.posted.count((request.id, delivery.target))


async def test_what_others_keep_of_a_message_while_it_is_brought_up_to_date_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket is moved, or its text is written anew by a reminder, while its update is sent."""
    (request,) = await world.asked()
    await deliver_all(world)
    delivery = await only(world, request)
    moved = {**(delivery.reference or {}), "key": "NEW-1"}

    async def update(*_: Any) -> None:
        text = codec.dumps(moved)
        await world.store.write(lambda c: rows.record(c, delivery.id, reference=text))

    monkeypatch.setattr(world.channel, "update", update)
    await world.unit(lambda unit: world.outbox.touched(unit, request.id))
    await world.courier.deliver(delivery.id)

    assert moved == (await only(world, request)).reference
