"""Tickets that somebody uses against us: floods, loops, and what cannot be read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import RequestStatus
from countersign.connectors import receiving
from countersign.connectors.comments.edits import changed
from countersign.connectors.ticketing import acts, reconciler, repairs
from tests.connectors.desk_world import DeskWorld, State
from tests.doubles.directory import BEN, ERIN


async def test_flood_of_tickets_with_our_key_neither_delays_answers_nor_is_looked_into_twice(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    for _ in range(60):
        world.tickets.as_person("acc-evil").make(ticket.order_key)
    world.tickets.calls.clear()
    await world.poll()
    first = world.tickets.calls.count("find")
    await world.poll()

    assert (1, 1) == (first, world.tickets.calls.count("find"))
    assert repairs.IMPOSTORS_MAX == await world.count(request, "ticket_impostor")


async def test_answer_is_counted_before_tickets_of_others_are_looked_into(
    world: DeskWorld,
) -> None:
    _, ticket = await world.ticketed()
    world.tickets.as_person("acc-evil").make(ticket.order_key)
    later, answered = await world.ticketed()
    world.tickets.as_person("acc-evil").make(ticket.order_key)
    world.tickets.as_person(BEN).approve(answered.id)
    seen: list[RequestStatus] = []
    find = world.tickets.find

    async def looked(key: str) -> object:
        seen.append((await world.now(later)).status)
        return await find(key)

    world.tickets.find = looked  # type: ignore[method-assign,assignment]
    await world.poll()

    assert [RequestStatus.APPROVED] == seen[:1]


async def test_tickets_that_lost_their_label_are_all_read_in_time(
    world: DeskWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "MISSING_LIMIT", 2)
    rule = {"effect": "require_approval", "roles": ["manager"], "channels": ["jira"]}
    world.change_rule("quote", rule)  # without a deadline: it takes as long as the lot will have it
    world.restart()
    requests = [(await world.ticketed())[0] for _ in range(6)]
    for request in requests:
        (await world.ticket(request)).open = False
        world.tickets.desk.changed(await world.ticket(request))
    world.tickets.desk.index_lag_s = float("inf")
    world.tickets.as_person(BEN).approve((await world.ticket(requests[-1])).id)
    for _ in range(60):
        await world.poll(after_s=reconciler.SWEEP_EVERY.total_seconds())

    assert RequestStatus.APPROVED is (await world.now(requests[-1])).status


async def test_ticket_that_crashes_us_does_not_keep_the_others_waiting(world: DeskWorld) -> None:
    _, bad = await world.ticketed()
    fine, good = await world.ticketed()
    world.tickets.as_person(ERIN).approve(bad.id)
    world.tickets.as_person(BEN).approve(good.id)

    async def crashes(*args: object, **kwargs: object) -> None:
        raise ValueError("a bug")

    world.tickets.ask_again = crashes  # type: ignore[method-assign]
    await world.poll()

    assert RequestStatus.APPROVED is (await world.now(fine)).status


async def test_program_that_moves_a_ticket_for_ever_is_left_alone(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    for _ in range(acts.ACTS_MAX + 10):
        world.tickets.as_person("acc-robot").move(ticket.id, State.APPROVED)
        if ticket.state is State.APPROVED:
            await world.hint(ticket)
    said, waiting = len(ticket.comments), await world.now(request)
    delivery = await world.delivery(request)
    world.tickets.as_person(BEN).move(ticket.id, State.PENDING)
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.hint(ticket)

    assert RequestStatus.PENDING is waiting.status
    assert acts.ACTS_MAX == said
    assert 1 == await world.count(request, "ticket_left_alone")
    assert "is not moved back any more" in str(delivery.error)
    assert RequestStatus.APPROVED is (await world.now(request)).status


async def test_program_that_reopens_a_decided_ticket_for_ever_is_left_alone(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).reject(ticket.id, "No.")
    await world.hint(ticket)
    for _ in range(acts.ACTS_MAX + 10):
        world.tickets.as_person("acc-robot").move(ticket.id, State.APPROVED)
        world.tickets.as_person("acc-robot").reopen(ticket.id)
        await world.hint(ticket)

    assert State.PENDING is ticket.state
    assert await world.count(request, "ticket_moved_late") <= acts.ACTS_MAX
    assert RequestStatus.REJECTED is (await world.now(request)).status


async def test_refusal_that_would_be_long_is_cut_on_the_ledger(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    many = "\n".join(f"argument_{n}: 1" for n in range(3_000))
    world.tickets.as_person(BEN).ask_changes(ticket.id, many)
    await world.poll()
    (reason,) = await world.refusals(request)

    assert receiving.REASON_LIMIT == len(reason)


async def test_many_names_in_changes_are_read_in_no_time() -> None:
    text = "{" + ",".join(f'"{n}": "1"' for n in range(100_000)) + "}"
    schema = {"properties": {str(n): {"type": "string"} for n in range(100_000)}}

    assert 100_000 == len(changed("t", schema, {}, text))


async def test_ticket_in_which_nothing_can_be_written_is_tried_again_quietly(
    world: DeskWorld,
) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(ERIN).approve(ticket.id)

    async def full(*args: object, **kwargs: object) -> None:
        raise InvalidError("It has too many comments.")

    world.tickets.ask_again = full  # type: ignore[method-assign]
    await world.hint(ticket)
    delivery = await world.delivery(request)

    assert delivery.look_at == world.clock.now() + timedelta(seconds=reconciler.READ_AGAIN_S)
