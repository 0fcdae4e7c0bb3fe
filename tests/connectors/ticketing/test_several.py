"""One ticket for several calls: decided at once, or one by one by what a comment says of each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from countersign.approvals.models import Request, RequestStatus, Verdict
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.tickets import order_key, request_of, target_in
from tests.connectors.desk_world import CLOSED, LIVE, DeskWorld, State
from tests.doubles.directory import BEN, CARA
from tests.doubles.ticket_desk import OWN, Ticket
from tests.doubles.world import QUOTE

APPROVED, REJECTED = RequestStatus.APPROVED, RequestStatus.REJECTED
WAITS, CANCELLED = RequestStatus.PENDING, RequestStatus.CANCELLED


async def several(
    world: DeskWorld, count: int = 3, tool: str = "quote"
) -> tuple[tuple[Request, ...], Ticket]:
    """Calls that were proposed together, with their ticket open and everything polled once."""
    requests = await world.asked(*[tool for _ in range(count)])
    await world.work()
    await world.reconciler.plan()
    await world.poll()
    (ticket,) = world.all_tickets()
    return requests, ticket


async def states(world: DeskWorld, requests: tuple[Request, ...]) -> list[RequestStatus]:
    """Where each stands."""
    return [(await world.now(each)).status for each in requests]


async def test_calls_that_were_proposed_together_are_one_ticket(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    kept = [await world.delivery(each) for each in requests]

    assert {ticket.id} == {each.ticket_id for each in kept}
    assert {LIVE} == {each.status for each in kept}
    assert [each.digest for each in requests] == [(each.reference or {})["digest"] for each in kept]
    assert order_key(requests[0].id, "ticket:1.0", "7") == ticket.order_key
    for number, each in enumerate(requests, start=1):
        assert f"{number}. Quote" in ticket.text
        assert each.digest in ticket.text
    assert 1 == world.tickets.calls.count("open_ticket")


async def test_one_approval_decides_all_of_them_at_once(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()
    decided = [await world.now(each) for each in requests]

    assert {APPROVED} == {each.status for each in decided}
    assert [each.digest for each in requests] == [
        each.decision.digest for each in decided if each.decision
    ]
    entries = await world.records.ledger(requests[0].session_id)
    kinds = [each.kind for each in entries]
    last = len(kinds) - kinds[::-1].index("decided")
    assert ["voted", "decided"] * 3 == kinds[last - 6 : last]
    assert [] == [text for text in world.said(ticket).split("\n") if "Counted" in text]


async def test_one_rejection_turns_all_of_them_down(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).reject(ticket.id, "Not this quarter.")
    await world.poll()
    await world.work()
    decided = [await world.now(each) for each in requests]

    assert {REJECTED} == {each.status for each in decided}
    assert {"Not this quarter."} == {each.decision.comment for each in decided if each.decision}
    assert State.REJECTED is ticket.state
    assert not ticket.open


async def test_what_a_comment_says_of_single_calls_counts_for_those(world: DeskWorld) -> None:
    requests, ticket = await several(world, 4)
    world.tickets.as_person(BEN).approve(
        ticket.id, "reject 2: Too much of it.\n4 amount: 300\nLooks good."
    )
    await world.poll()
    after = [await world.now(each) for each in requests]

    assert [APPROVED, REJECTED, APPROVED, APPROVED] == [each.status for each in after]
    assert ["Looks good.", "Too much of it.", "Looks good.", "Looks good."] == [
        each.decision.comment for each in after if each.decision
    ]
    assert 300 == after[3].arguments["amount"]
    assert [requests[at].arguments for at in (0, 2)] == [after[at].arguments for at in (0, 2)]


async def test_calls_that_an_approval_does_not_name_wait_on(world: DeskWorld) -> None:
    requests, ticket = await several(world, 4)
    world.tickets.as_person(BEN).approve(ticket.id, "approve 1, 3-4")
    await world.poll()

    assert [APPROVED, WAITS, APPROVED, APPROVED] == await states(world, requests)
    assert State.PENDING is ticket.state
    assert "Counted: acc-ben, for calls 1, 3 and 4." in world.said(ticket)
    assert "Call 2 still waits. Nothing has run." in world.said(ticket)
    assert [LIVE] == [(await world.delivery(requests[1])).status]

    ticket.comments.append(type(ticket.comments[0])(world.tickets.desk.now(), "acc-ben", ""))
    world.tickets.as_person(BEN).reject(ticket.id, "reject 2: Not that one.")
    await world.poll()

    assert [APPROVED, REJECTED, APPROVED, APPROVED] == await states(world, requests)


async def test_one_that_is_approved_with_changes_leaves_the_others_waiting(
    world: DeskWorld,
) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).approve(ticket.id, "approve 2\n2 amount: 300")
    await world.poll()

    assert [WAITS, APPROVED, WAITS] == await states(world, requests)
    assert 300 == (await world.now(requests[1])).arguments["amount"]


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        ("approve 1 and 3 only", "names 1"),
        ("all but the 2nd", "may ask for something else"),
        ("only the first one", "may ask for something else"),
        ("Changes:\namount: 300", "does not say of which call"),
        ("reject 2", "Say why you reject call 2"),
        ("reject 9: no", "There is no call 9"),
        ("approve 1\nreject 1: no", "two things of call 1"),
        ("reject 2, 3 people asked me", "names 2"),
        ("2 discount: 5", "discount"),
    ],
)
async def test_nothing_is_decided_by_what_cannot_be_read(
    world: DeskWorld, comment: str, why: str
) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).approve(ticket.id, comment)
    await world.poll()
    await world.poll()

    found = await states(world, requests)
    assert WAITS is found[0] or comment.startswith("2 discount")
    assert WAITS is found[1]
    assert why in world.said(ticket)
    assert State.PENDING is ticket.state


async def test_a_rejection_that_names_single_calls_is_not_believed(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).reject(ticket.id, "reject 2: too much")
    await world.poll()

    assert [WAITS] * 3 == await states(world, requests)
    assert "What was set rejects all calls" in world.said(ticket)
    assert State.PENDING is ticket.state


async def test_who_may_not_decide_decides_none(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person("acc-mallory").approve(ticket.id)
    world.tickets.as_person(OWN).approve(ticket.id)
    await world.poll()

    assert [WAITS] * 3 == await states(world, requests)
    assert State.PENDING is ticket.state


async def test_two_of_four_eyes_are_counted_for_each_call(world: DeskWorld) -> None:
    requests, ticket = await several(world, tool="wire")
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert [WAITS] * 3 == await states(world, requests)
    assert "Counted: acc-ben, for calls 1 to 3." in world.said(ticket)
    assert "1 more of 2 have to approve." in world.said(ticket)

    world.tickets.as_person(CARA).approve(ticket.id, "reject 3: Twice in one week.")
    await world.poll()

    assert [APPROVED, APPROVED, REJECTED] == await states(world, requests)


async def test_end_of_a_ticket_names_what_came_of_each_call(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).approve(ticket.id, "reject 2: Too much.")
    await world.poll()
    run = await world.begin(requests[0].session_id)
    for each in (requests[0], requests[2]):
        await world.runs.claim(run, each.id, each.arguments)
        await world.runs.finish(run, each.id, ok=True, content=f"made {each.position}")
        await world.work()
        assert ticket.open is (each is requests[0]) or not ticket.open

    assert State.CLOSED is ticket.state
    assert not ticket.open
    said = world.said(ticket)
    assert "1. Quote: Done: it ran once." in said
    assert "2. Quote: Rejected" in said
    assert "3. Quote: Done: it ran once." in said
    assert 1 == said.count("1. Quote: Done")
    assert {CLOSED} == {(await world.delivery(each)).status for each in requests}


async def test_what_is_decided_elsewhere_is_said_and_the_others_still_can_be(
    world: DeskWorld,
) -> None:
    requests, ticket = await several(world)
    await world.vote(requests[1], BEN, Verdict.REJECT)
    await world.work()

    assert ticket.open
    assert "2. Quote: Rejected by Ben" in world.said(ticket)

    world.tickets.as_person(CARA).approve(ticket.id)
    await world.poll()

    assert [APPROVED, REJECTED, APPROVED] == await states(world, requests)


async def test_what_names_no_call_is_about_the_only_one_that_waits(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    await world.vote(requests[1], CARA, Verdict.REJECT)
    await world.vote(requests[2], CARA)
    world.tickets.as_person(BEN).approve(ticket.id, "Changes:\namount: 300")
    for _ in range(3):
        await world.poll()
    after = await world.now(requests[0])

    assert (APPROVED, 300) == (after.status, after.arguments["amount"])
    assert [APPROVED, REJECTED, APPROVED] == await states(world, requests)
    assert "does not count" not in world.said(ticket)


async def test_an_approval_does_not_reach_what_was_changed_meanwhile(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    await world.vote(
        requests[1], CARA, Verdict.MODIFY, arguments={**QUOTE, "amount": 5}, foreseen=""
    )
    after = await world.now(requests[1])
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert APPROVED is (await world.now(requests[0])).status
    assert (after.revision, after.status) == (
        (await world.now(requests[1])).revision,
        (await world.now(requests[1])).status,
    )


@pytest.mark.parametrize("lost", [1, 2])
async def test_lost_answer_makes_no_second_ticket(world: DeskWorld, lost: int) -> None:
    requests = await world.asked("quote", "quote", "quote")
    world.tickets.lose_answers = lost
    for _ in range(30):
        await world.work()
        world.clock.advance(20)
        for each in requests:
            await world.courier.deliver((await world.delivery(each)).id)

    (ticket,) = world.all_tickets()
    kept = [await world.delivery(each) for each in requests]
    assert {ticket.id} == {each.ticket_id for each in kept}
    assert {"7"} == {each.calls for each in kept}


async def test_ticket_that_was_deleted_is_made_again_for_what_still_waits(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).approve(ticket.id, "approve 2")
    await world.poll()
    world.tickets.desk.delete(ticket.id)
    world.clock.advance(700)
    await world.poll()
    await world.work()

    (again,) = world.all_tickets()
    kept = [await world.delivery(each) for each in requests]
    assert [again.id, ticket.id, again.id] == [each.ticket_id for each in kept]
    assert "2. Quote" in again.text

    world.tickets.as_person(BEN).approve(again.id)
    await world.poll()

    assert [APPROVED] * 3 == await states(world, requests)


async def test_altered_text_is_restored_and_nothing_counts_meanwhile(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    text = ticket.text
    world.tickets.as_person("acc-mallory").edit_text(ticket.id, "Harmless.")
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert [WAITS] * 3 == await states(world, requests)
    assert text == ticket.text


async def test_a_question_is_asked_about_the_call_that_it_names(world: DeskWorld) -> None:
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).comment(ticket.id, "ask 2: Why so much?")
    world.tickets.as_person(BEN).comment(ticket.id, "Ask: And why now?")
    await world.poll()
    views = [await world.records.view(each.id) for each in requests]

    assert [["And why now?"], ["Why so much?"], []] == [
        [question.text for question in view.questions] for view in views
    ]
    assert [WAITS] * 3 == await states(world, requests)


async def test_reading_the_same_act_again_changes_nothing(world: DeskWorld) -> None:
    requests, ticket = await several(world, tool="wire")
    world.tickets.as_person(BEN).approve(ticket.id, "approve 1\nreject 2: no need")
    for _ in range(3):
        await world.reconciler.plan()
        await world.poll()
    entries = await world.records.ledger(requests[0].session_id)

    assert 2 == sum(each.kind == "voted" for each in entries)
    assert 1 == world.said(ticket).count("Counted:")


async def test_ticket_that_does_not_show_all_of_them_approves_none(world: DeskWorld) -> None:
    world.tickets.whole = False
    requests, ticket = await several(world)
    world.tickets.as_person(BEN).approve(ticket.id)
    await world.poll()

    assert [WAITS] * 3 == await states(world, requests)
    assert f"requests decide-together {requests[0].id}" in world.said(ticket)

    world.tickets.as_person(BEN).reject(ticket.id, "Too many of them.")
    await world.poll()

    assert [REJECTED] * 3 == await states(world, requests)


async def test_call_of_its_own_has_a_ticket_as_ever(world: DeskWorld) -> None:
    request, ticket = await world.ticketed()

    assert order_key(request.id, "ticket:1.0") == ticket.order_key
    assert "calls" not in ((await world.delivery(request)).reference or {})


async def test_forged_member_of_a_ticket_is_not_approved_by_it(world: DeskWorld) -> None:
    """Somebody writes to the database that a ticket shows a call which it does not show."""
    small, large = await world.asked("quote", "wire")
    await world.work()
    await world.reconciler.plan()
    await world.poll()
    one, two = await world.delivery(small), await world.delivery(large)
    assert one.ticket_id != two.ticket_id

    def forge(connection: Connection) -> None:
        kept = {**(one.reference or {}), "calls": "3"}
        delivery_rows.record(connection, one.id, reference=codec.dumps(kept))
        taken = codec.dumps({**kept, "digest": large.digest})
        delivery_rows.record(connection, two.id, ticket_id=one.ticket_id, reference=taken)

    await world.store.write(forge)
    ticket = await world.ticket(small)
    world.tickets.as_person(BEN).approve(ticket.id)
    world.tickets.as_person(CARA).approve(ticket.id)
    await world.poll()

    assert WAITS is (await world.now(large)).status
    assert [] == await world.records.votes(large.id)


def test_key_of_a_ticket_says_which_calls_it_asks_about() -> None:
    keys = [order_key("R-7F3K2M9QXC4V", "ticket:2.1", calls) for calls in ("", "3", "7", "f" * 250)]

    assert len(keys) == len(set(keys))
    assert {"ticket:2.1"} == {target_in(key) for key in keys}
    assert {"R-7F3K2M9QXC4V"} == {request_of(key) for key in keys}
    assert all(len(key) <= 40 for key in keys)


async def test_whoever_takes_over_half_of_an_attempt_looks_for_the_ticket_of_all(
    world: DeskWorld,
) -> None:
    """The answer was lost, and the server died before it had put that down for the second call."""
    first, second = await world.asked("quote", "quote")
    world.tickets.lose_answers = 1
    await world.work()
    one, two = await world.delivery(first), await world.delivery(second)
    later = codec.to_text(world.clock.now() + timedelta(hours=1))
    await world.store.write(
        lambda c: delivery_rows.record(c, two.id, error=None, attempts=1, next_at=later)
    )
    for _ in range(20):
        world.clock.advance(20)
        await world.courier.deliver(one.id)

    (ticket,) = world.all_tickets()
    kept = [await world.delivery(each) for each in (first, second)]
    assert [(ticket.id, "3")] * 2 == [(each.ticket_id, each.calls) for each in kept]
    assert one.doubt_at is not None
