"""Webhooks are hints, polls find the rest; what is gone, doubled or foreign is put right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from countersign.approvals.errors import AlreadyDecidedError, UnavailableError
from countersign.approvals.models import DeliveryStatus, RequestStatus
from countersign.approvals.store import clock_ahead
from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import PollState, WebhookHint
from countersign.connectors.ticketing.reconciler import READ_AGAIN_S, SWEEP_EVERY
from countersign.connectors.ticketing.repairs import REOPENED_MAX
from tests.connectors.desk_world import LIVE, DeskWorld, State
from tests.doubles.directory import BEN, CARA, ERIN


async def poll_state(world: DeskWorld) -> PollState:
    state = await world.store.read(lambda c: rows.poll_state(c, "jira"))
    assert state is not None
    return state


async def test_decision_whose_webhook_never_came_is_found_by_polling(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_decision_that_no_poll_sees_yet_comes_by_webhook(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.desk.index_lag_s = float("inf")
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status

    await world.hint(ticket)

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_decision_that_the_index_shows_late_is_not_lost(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.desk.index_lag_s = 150
    world.tickets.as_person(BEN).approve(ticket.id)
    for _ in range(6):
        await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_clock_of_the_system_may_be_wrong(world: DeskWorld) -> None:
    world.tickets.desk.clock_offset_s = -7200
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_one_poll_is_one_query_however_many_tickets_wait(world: DeskWorld) -> None:
    requests = [(await world.asked())[0] for _ in range(20)]
    await world.work()
    await world.reconciler.plan()
    await world.poll()
    for request in requests:
        world.tickets.as_person(BEN).approve((await world.ticket(request)).id)
    world.tickets.calls.clear()
    await world.poll()
    statuses = {(await world.now(request)).status for request in requests}

    assert {RequestStatus.APPROVED} == statuses
    assert 1 == world.tickets.calls.count("fetch_decisions")
    assert 0 == world.tickets.calls.count("fetch_one")


async def test_hint_about_a_ticket_that_is_not_ours_does_nothing(world: DeskWorld) -> None:
    await world.ticketed()
    world.tickets.calls.clear()
    hint = WebhookHint(ticket_id="999", delivery_id="w")

    assert not await world.reconciler.hint("jira", hint)
    assert [] == world.jobs.take()
    assert [] == world.tickets.calls


async def test_hint_is_durable(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.reconciler.hint("jira", WebhookHint(ticket_id=ticket.id, delivery_id="w"))
    world.jobs.take()  # the doorbell is lost
    world.restart()
    due = await world.store.read(lambda c: rows.due_reads(c, world.clock.now(), limit=10))

    assert [(await world.delivery(request)).id] == due

    await world.reconciler.read_ticket(due[0])

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert (await world.delivery(request)).look_at is None


class Handlers:
    """Jobs, as far as the reconciler answers them."""

    def __init__(self) -> None:
        self.of: dict[str, Callable[[str], Awaitable[None]]] = {}

    def handle(self, kind: str, handler: Callable[[str], Awaitable[None]]) -> None:
        self.of[kind] = handler


async def test_reading_that_an_older_version_has_rung_for_is_done(world: DeskWorld) -> None:
    """Its rows call the kind `look`."""
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.reconciler.hint("jira", WebhookHint(ticket_id=ticket.id, delivery_id="w"))
    world.jobs.take()
    jobs = Handlers()
    world.reconciler.answer(jobs)  # type: ignore[arg-type]

    await jobs.of["look"]((await world.delivery(request)).id)

    assert RequestStatus.APPROVED is (await world.now(request)).status
    assert {"look", "read", "poll"} == set(jobs.of)


async def test_ticket_that_cannot_be_read_is_read_later(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    world.tickets.down = UnavailableError("down")
    await world.hint(ticket)
    world.tickets.down = None
    delivery = await world.delivery(request)

    assert delivery.look_at is not None

    world.clock.advance(READ_AGAIN_S)
    await world.reconciler.read_ticket(delivery.id)

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_hint_that_comes_during_a_look_is_not_forgotten(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    delivery = await world.delivery(request)
    read = world.tickets.fetch_one
    again = WebhookHint(ticket_id=ticket.id, delivery_id="w-2")

    async def slowly(ref: object) -> object:
        found = await read(ref)  # type: ignore[arg-type]
        await world.reconciler.hint("jira", again)
        return found

    world.tickets.fetch_one = slowly  # type: ignore[assignment,method-assign]
    await world.reconciler.hint("jira", again)
    await world.reconciler.read_ticket(delivery.id)

    assert (await world.delivery(request)).look_at is not None


async def test_outage_is_logged_once_backed_off_and_ends_with_a_word(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    world.tickets.down = UnavailableError("down")
    with capture_logs() as logged:
        for _ in range(4):
            await world.poll(after_s=600)
        failures = (await poll_state(world)).failures
        world.tickets.down = None
        await world.poll(after_s=600)
    events = [entry["event"] for entry in logged]

    assert 4 == failures
    assert 1 == events.count("ticket system unreachable")
    assert 1 == events.count("ticket system reachable again")
    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_poll_waits_as_long_as_it_was_told(world: DeskWorld) -> None:
    await world.ticketed()
    world.tickets.failures.append(UnavailableError("busy", retry_after_s=400))
    await world.poll()
    wait_s = ((await poll_state(world)).next_at - world.clock.now()).total_seconds()

    assert 400 <= wait_s <= 401


async def test_two_polls_at_once_are_one(world: DeskWorld) -> None:
    await world.ticketed()
    world.tickets.calls.clear()
    world.clock.advance(60)
    await asyncio.gather(world.reconciler.poll("jira"), world.reconciler.poll("jira"))

    assert ["fetch_decisions"] == world.tickets.calls


async def test_start_reads_everything_that_is_open(world: DeskWorld) -> None:
    rule = {"effect": "require_approval", "roles": ["manager"], "channels": ["jira"]}
    world.change_rule("quote", rule)  # without a deadline
    world.restart()
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    world.clock.advance(3 * 86400)  # off for days, far beyond any overlap
    world.restart()
    await world.reconciler.plan()
    await world.reconciler.poll("jira")

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_system_that_is_no_longer_configured_is_not_polled(world: DeskWorld) -> None:
    await world.store.write(lambda c: rows.plan_poll(c, "servicenow", world.clock.now()))
    await world.reconciler.plan()
    due = await world.store.read(lambda c: rows.due_polls(c, world.clock.now()))

    assert ["jira"] == due
    await world.reconciler.poll("servicenow")  # harmless


async def test_deleted_ticket_is_opened_anew_and_the_request_waits(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person("acc-evil").delete(ticket.id)
    await world.poll(after_s=SWEEP_EVERY.total_seconds())
    fresh = await world.ticket(request)

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert fresh.id != ticket.id
    assert 1 == await world.count(request, "ticket_lost")

    world.tickets.as_person(BEN).approve(fresh.id)
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_sweep_comes_although_the_last_one_was_by_a_clock_that_was_ahead(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed("wire")
    await world.poll(after_s=86_400)
    world.clock.set_back(86_400)
    world.tickets.as_person("acc-evil").delete(ticket.id)
    await world.store.write(lambda c: clock_ahead.bring_back(c, world.clock.now()))
    await world.poll()

    assert ticket.id != (await world.ticket(request)).id


async def test_tickets_that_keep_vanishing_are_left_to_operators(world: DeskWorld) -> None:
    request, ticket = await world.ticketed("wire")
    for _ in range(REOPENED_MAX + 1):
        world.tickets.desk.delete(ticket.id)
        await world.poll(after_s=SWEEP_EVERY.total_seconds())
        delivery = await world.delivery(request)
        if delivery.status is DeliveryStatus.ABANDONED:
            break
        ticket = await world.ticket(request)

    assert DeliveryStatus.ABANDONED is delivery.status
    assert "Decide it elsewhere" in str(delivery.error)
    assert RequestStatus.PENDING is (await world.now(request)).status
    assert REOPENED_MAX + 1 == await world.count(request, "ticket_lost")


async def test_deleted_ticket_of_a_decided_request_is_not_opened_anew(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    await world.vote(request, CARA)
    await world.work()
    world.tickets.desk.delete(ticket.id)
    await world.hint(ticket)

    assert [] == world.all_tickets()
    assert DeliveryStatus.CLOSED is (await world.delivery(request)).status


async def test_ticket_without_its_label_is_still_found(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person("acc-evil").relabel(ticket.id, "nothing")
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll(after_s=SWEEP_EVERY.total_seconds())

    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_label_of_ours_on_somebody_elses_ticket_decides_nothing(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    forged = world.tickets.as_person("acc-evil").make(ticket.order_key)
    world.tickets.as_person(BEN).approve(forged.id)
    for _ in range(2):
        await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert 1 == await world.count(request, "ticket_impostor")
    assert forged.key in str((await world.delivery(request)).error)
    assert State.APPROVED is forged.state  # it is not ours to touch


async def test_label_of_another_request_does_not_move_a_decision_there(world: DeskWorld) -> None:
    mine, ticket = await world.ticketed()
    other, other_ticket = await world.ticketed()
    world.tickets.as_person("acc-evil").relabel(ticket.id, other_ticket.order_key)
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(mine)).status
    assert RequestStatus.PENDING is (await world.now(other)).status


async def test_ticket_made_twice_is_closed_by_the_sweep(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    view = await world.records.view(request.id)
    order = world.channels["jira"].order(  # type: ignore[attr-defined]
        await world.delivery(request), view
    )
    second = await world.tickets.open_ticket(order)
    await world.poll()

    assert [ticket.key] == world.tickets.open_tickets()
    assert any(ticket.key in said for said in world.tickets.comments(second))


async def test_decision_in_a_duplicate_counts_for_nothing(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    view = await world.records.view(request.id)
    order = world.channels["jira"].order(  # type: ignore[attr-defined]
        await world.delivery(request), view
    )
    second = await world.tickets.open_ticket(order)
    world.tickets.as_person(BEN).approve(second)
    await world.poll()

    assert RequestStatus.PENDING is (await world.now(request)).status
    assert LIVE is (await world.delivery(request)).status
    assert ticket.id == (await world.delivery(request)).ticket_id


async def test_ticket_of_another_installation_is_left_alone(world: DeskWorld) -> None:
    await world.ticketed()
    theirs = world.tickets.desk.make("R-OTHER.1.0", "Theirs.")
    await world.poll()

    assert State.PENDING is theirs.state
    assert [] == theirs.comments


async def test_ticket_that_fails_does_not_keep_the_others_waiting(world: DeskWorld) -> None:
    broken, bad = await world.ticketed()
    fine, good = await world.ticketed()
    world.tickets.as_person(ERIN).approve(bad.id)
    world.tickets.as_person(BEN).approve(good.id)
    ask_again = world.tickets.ask_again

    async def fails(*args: object, **kwargs: object) -> None:
        raise UnavailableError("this one only")

    world.tickets.ask_again = fails  # type: ignore[method-assign]
    await world.poll()
    world.tickets.ask_again = ask_again  # type: ignore[method-assign]

    assert RequestStatus.APPROVED is (await world.now(fine)).status
    assert [] == bad.comments

    world.clock.advance(READ_AGAIN_S)
    await world.reconciler.read_ticket((await world.delivery(broken)).id)

    assert 1 == len(bad.comments)


@pytest.mark.parametrize("first", ["teams", "jira"] * 2)
async def test_hundred_races_between_teams_and_the_ticket_give_one_decision_each(
    world: DeskWorld, first: str
) -> None:
    for _ in range(25):
        request, ticket = await world.ticketed()
        world.tickets.as_person(BEN).approve(ticket.id)
        hint = WebhookHint(ticket_id=ticket.id, delivery_id="w")
        await world.reconciler.hint("jira", hint)
        look = world.reconciler.read_ticket((await world.delivery(request)).id)
        vote = world.vote(request, CARA)
        both = (vote, look) if first == "teams" else (look, vote)
        results = await asyncio.gather(*both, return_exceptions=True)
        others = [r for r in results if isinstance(r, Exception)]
        assert all(isinstance(r, AlreadyDecidedError) for r in others), others
        await world.work()
        await world.poll()
        decided = await world.now(request)

        assert RequestStatus.APPROVED is decided.status
        assert 1 == await world.count(request, "decided")
        assert 1 == len(await world.records.votes(request.id))
        assert State.APPROVED is ticket.state
        shown = [v.request.status for v in world.channel.cards.values()
                 if v.request.id == request.id]  # fmt: skip
        assert {RequestStatus.APPROVED} == set(shown)
