"""Opening a ticket exactly once: found again after a crash, waited for after a lost answer."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, select
from structlog.testing import capture_logs

from countersign.approvals.errors import InvalidError, NotFoundError, UnavailableError
from countersign.approvals.models import (
    RequestKind,
    RequestStatus,
    Stage,
    UndoOffer,
    Verdict,
    Via,
)
from countersign.approvals.store import schema
from countersign.approvals.tickets import order_key
from tests.connectors.desk_world import CLOSED, INDEX_LAG_S, LIVE, PENDING, DeskWorld, State
from tests.doubles.directory import BEN, CARA, acting
from tests.doubles.world import THREAD


async def test_ticket_shows_what_is_asked_and_the_delivery_remembers_it(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    delivery = await world.delivery(request)

    assert f"{request.id}.1.0" == ticket.order_key
    assert request.digest in ticket.text
    assert "The customer asked." in ticket.text
    assert LIVE is delivery.status
    assert {"ticket": ticket.id, "key": ticket.key, "digest": request.digest}.items() <= (
        delivery.reference or {}
    ).items()


async def test_only_the_channels_of_the_rule_show_a_request(world: DeskWorld) -> None:
    world.change_rule("quote", {"effect": "require_approval", "roles": ["manager"]})
    (request,) = await world.asked()

    assert {"teams"} == {d.channel for d in await world.records.deliveries(request.id)}


async def test_free_text_is_not_asked_for_in_a_ticket(world: DeskWorld) -> None:
    run = await world.begun()
    (request,) = await world.submit(run, world.question(run.session.id))

    assert RequestKind.INPUT is request.kind
    assert "jira" not in {d.channel for d in await world.records.deliveries(request.id)}


async def test_ticket_of_an_attempt_that_died_is_found_again(world: DeskWorld) -> None:
    world.tickets.hold = asyncio.Event()
    (request,) = await world.asked()
    delivery = await world.delivery(request)
    attempt = asyncio.create_task(world.courier.deliver(delivery.id))
    await world.tickets.appeared.wait()
    attempt.cancel()
    await asyncio.gather(attempt, return_exceptions=True)
    world.tickets.hold = None
    world.restart()
    world.clock.advance(120)
    await world.courier.deliver(delivery.id)

    assert 1 == len(world.all_tickets())
    assert LIVE is (await world.delivery(request)).status


@pytest.mark.parametrize(
    ("happened", "words", "status"),
    [
        (True, "it took effect", RequestStatus.EXECUTED),
        (False, "it did not take effect", RequestStatus.FAILED),
    ],
)
async def test_ticket_of_a_call_in_doubt_is_told_what_a_person_found(
    world: DeskWorld, happened: bool, words: str, status: RequestStatus
) -> None:
    request, ticket = await world.ticketed()
    await world.vote(request)
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.unknown(run, request.id, message="The server hung up.")
    await world.work()
    doubted = (await world.delivery(request)).status
    by = acting(BEN, Via.API)
    settled = await world.approvals.resolve(
        request.id, by, happened=happened, note="Looked\u202e at Q-7."
    )
    await world.work()
    said = world.said(ticket)

    assert status is settled.status
    assert [LIVE, CLOSED] == [doubted, (await world.delivery(request)).status]
    assert "Ben looked into the target system (the API, " in said
    assert f'UTC): {words}.\n\nNote: "Looked\\u202e at Q-7."' in said


async def test_lost_answer_is_looked_for_before_asking_again(world: DeskWorld) -> None:
    world.tickets.lose_answers = 1
    (request,) = await world.asked()
    await world.work()

    assert PENDING is (await world.delivery(request)).status

    world.clock.advance(5)
    await world.courier.deliver((await world.delivery(request)).id)

    assert 1 == len(world.all_tickets())
    assert LIVE is (await world.delivery(request)).status


async def test_nothing_is_asked_again_while_the_index_may_be_behind(world: DeskWorld) -> None:
    world.tickets.lose_answers = 1
    world.tickets.desk.index_lag_s = INDEX_LAG_S - 1
    (request,) = await world.asked()
    await world.work()
    delivery = await world.delivery(request)
    tries = 0
    while (await world.delivery(request)).status is PENDING:
        world.clock.advance(5)
        await world.courier.deliver(delivery.id)
        tries += 1
        assert tries < 100

    assert 1 == len(world.all_tickets())
    assert 1 == world.tickets.calls.count("open_ticket")


async def test_what_never_arrived_is_asked_for_again_once_the_index_must_know(
    world: DeskWorld,
) -> None:
    (request,) = await world.asked()
    delivery = await world.delivery(request)
    channel = world.channels["jira"]
    order = channel.order(delivery, await world.records.view(request.id))  # type: ignore[attr-defined]
    opening = channel._opening  # type: ignore[attr-defined]
    await opening._intend(delivery, order, begun=True)  # and then a crash
    await world.work()

    assert [] == world.all_tickets()

    for _ in range(20):
        world.clock.advance(10)
        await world.courier.deliver(delivery.id)

    assert 1 == len(world.all_tickets())
    assert LIVE is (await world.delivery(request)).status


async def test_refused_order_is_shown_to_operators_and_tried_again_at_once(
    world: DeskWorld,
) -> None:
    (request,) = await world.asked()
    delivery = await world.delivery(request)
    channel = world.channels["jira"]

    async def refuse(_: object) -> None:
        raise InvalidError("The field Team is required; give it in connectors.jira.fields.")

    world.tickets.open_ticket = refuse  # type: ignore[assignment,method-assign]
    await world.work()
    shown = await world.delivery(request)
    del world.tickets.open_ticket

    assert "connectors.jira.fields" in str(shown.error)
    assert shown.doubt_at is None

    world.clock.advance(10)
    await world.courier.deliver(delivery.id)

    assert 1 == len(world.all_tickets())
    assert channel.name == "jira"


async def test_two_tickets_for_one_order_leave_one_open(world: DeskWorld) -> None:
    (request,) = await world.asked()
    delivery = await world.delivery(request)
    view = await world.records.view(request.id)
    order = world.channels["jira"].order(delivery, view)  # type: ignore[attr-defined]
    first = await world.tickets.open_ticket(order)
    second = await world.tickets.open_ticket(order)
    await world.work()

    assert first.id == (await world.delivery(request)).ticket_id
    assert [first.key] == world.tickets.open_tickets()
    assert any("same as" in said for said in world.tickets.comments(second))


async def test_ticket_of_somebody_else_with_our_label_is_not_taken(world: DeskWorld) -> None:
    (request,) = await world.asked()
    key = order_key(request.id, "ticket:1.0")
    foreign = world.tickets.as_person("acc-evil").make(key)
    await world.work()

    assert foreign.id != (await world.delivery(request)).ticket_id
    assert 2 == len(world.all_tickets())


async def test_ticket_that_is_gone_but_indexed_is_not_taken(world: DeskWorld) -> None:
    (request,) = await world.asked()
    delivery = await world.delivery(request)
    view = await world.records.view(request.id)
    order = world.channels["jira"].order(delivery, view)  # type: ignore[attr-defined]
    gone = await world.tickets.open_ticket(order)
    world.tickets.desk.index_lag_s = 3600
    world.tickets.desk.delete(gone)
    await world.work()

    assert gone.id != (await world.delivery(request)).ticket_id
    assert LIVE is (await world.delivery(request)).status


async def test_no_ticket_is_opened_for_what_is_decided_already(world: DeskWorld) -> None:
    (request,) = await world.asked()
    await world.vote(request, CARA)
    await world.work()

    assert [] == world.all_tickets()
    assert "abandoned" == (await world.delivery(request)).status


async def test_ticket_opened_before_the_decision_and_forgotten_is_closed(
    world: DeskWorld,
) -> None:
    world.tickets.lose_answers = 1
    (request,) = await world.asked()
    await world.work()
    await world.vote(request, CARA, Verdict.REJECT)
    world.clock.advance(30)
    await world.courier.deliver((await world.delivery(request)).id)
    await world.work()
    world.clock.advance(30)
    await world.courier.deliver((await world.delivery(request)).id)
    (ticket,) = world.all_tickets()

    assert State.REJECTED is ticket.state
    assert [] == world.tickets.open_tickets()
    assert CLOSED is (await world.delivery(request)).status


async def test_outcome_is_told_once_and_closes_the_ticket(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert [] == ticket.comments

    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    await world.runs.finish(run, request.id, ok=True, content="Q-2026-1")
    await world.work()
    await world.poll()

    assert ["Done: it ran once.\n\nResult: Q-2026-1"] == [c.text for c in ticket.comments]
    assert CLOSED is (await world.delivery(request)).status
    assert [] == world.tickets.open_tickets()


async def test_outcome_says_until_when_it_can_be_undone(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()
    run = await world.begin(request.session_id)
    await world.runs.claim(run, request.id, request.arguments)
    offer = UndoOffer(tool="quote", executor="gatekeeper", arguments={}, within_s=3600)
    await world.runs.finish(run, request.id, ok=True, content="Q-2026-1", undo=offer)
    await world.work()
    await world.poll()

    assert "It can be undone until" in ticket.comments[-1].text


async def test_what_is_over_leads_to_its_receipt(world: DeskWorld) -> None:
    world.pages_url = "https://gate.example"
    world.restart()
    request, ticket = await world.ticketed()
    world.tickets.as_person(BEN).reject(ticket.id, "Too dear.")
    await world.poll()

    said = ticket.comments[-1].text
    assert said.endswith(f"Receipt: https://gate.example/inbox/requests/{request.id}/receipt")


async def test_nobody_who_could_answer_is_said_and_nothing_is_opened(world: DeskWorld) -> None:
    for who in ("ben", "cara"):
        world.directory.forget_identity(who, "jira")
    (request,) = await world.asked()
    with capture_logs() as logged:
        await world.work()

    assert "channel unreachable" not in {e["event"] for e in logged}
    assert "has a jira identity" in str((await world.delivery(request)).error)
    assert [] == world.all_tickets()


async def test_thread_learns_which_ticket_it_waits_for(world: DeskWorld) -> None:
    run = await world.begun(THREAD)
    (request,) = await world.submit(run, "quote")
    await world.work()
    ticket = await world.ticket(request)
    said = "\n".join(await world.store.read(_notices))

    assert f"Waits for approval in Jira, {ticket.key}: https://" in said


async def test_conversations_are_not_for_tickets(world: DeskWorld) -> None:
    with pytest.raises(NotFoundError):
        await world.channels["jira"].say(None, None)  # type: ignore[arg-type]


async def test_check_says_everything_that_is_wrong(world: DeskWorld) -> None:
    channel = world.channels["jira"]
    before = await channel.check()
    world.tickets.down = UnavailableError("The token has expired.")
    after = await channel.check()

    assert all(result.ok for result in before)
    assert ["The token has expired."] == [result.said for result in after if not result.ok]


def _notices(connection: Connection) -> list[str]:
    return list(connection.execute(select(schema.notices.c.text)).scalars())


async def test_looking_for_an_unanswered_ticket_does_not_double_the_waits(
    world: DeskWorld,
) -> None:
    world.tickets.lose_answers = 1
    world.tickets.desk.index_lag_s = float("inf")
    (request,) = await world.asked()
    await world.work()
    attempts = []
    for _ in range(4):
        world.clock.advance(6)
        delivery = await world.delivery(request)
        await world.courier.deliver(delivery.id)
        attempts.append((await world.delivery(request)).attempts)

    assert 1 == len(set(attempts))


async def test_ticket_is_not_put_before_the_counterparty(world: DeskWorld) -> None:
    stage = Stage(roles=("manager",), parties=("ben@example.com",))
    (request,) = await world.asked()
    view = await world.records.view(request.id)
    with_ben = view.model_copy(
        update={"request": view.request.model_copy(update={"stages": (stage,)})}
    )
    delivery = await world.delivery(request)
    channel = world.channels["jira"]
    orders = [channel.order(delivery, each) for each in (view, with_ben)]  # type: ignore[attr-defined]

    assert [["ben", "cara"], ["cara"]] == [[p.id for p in order.approvers] for order in orders]
