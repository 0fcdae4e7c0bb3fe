"""The contract of `approvals.ports.TicketConnector`: what people decide, and what is no decision.

Whether a person may decide is not asked here: that is for the service to say.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import (
    Observation,
    TicketOutcome,
    TicketRef,
    TicketRefusal,
)
from countersign.connectors.comments.edits import split
from countersign.testing.suites.ticket_orders import Orders, orders
from countersign.testing.suites.ticket_reading import among, seen, votes
from countersign.testing.suites.ticket_system import Elsewhere, Outside, Who

__all__ = [
    "orders",
    "test_act_in_a_ticket_whose_text_was_changed_is_refused",
    "test_act_of_nobody_is_refused",
    "test_act_of_our_own_account_is_refused",
    "test_act_of_somebody_else_is_never_taken_for_that_of_who_was_asked",
    "test_approval_is_seen_with_who_gave_it_and_what_they_said",
    "test_changes_are_seen_as_they_were_written",
    "test_comment_of_somebody_else_is_not_the_reason",
    "test_decision_that_the_index_has_not_seen_is_read_by_a_later_poll",
    "test_one_reading_takes_in_any_number_of_tickets",
    "test_one_ticket_is_read_as_it_is_whatever_the_index_says",
    "test_reading_again_gives_the_same_acts",
    "test_reading_everything_takes_in_what_is_open_and_nothing_that_is_closed",
    "test_reading_on_finds_everything_that_has_changed_since",
    "test_rejection_is_seen_with_its_reason",
    "test_reopened_ticket_is_pending_and_adds_no_vote",
    "test_state_that_is_not_mapped_means_pending",
    "test_ticket_closed_without_a_decision_is_refused",
    "test_ticket_says_which_order_it_carries_now",
    "test_ticket_that_nobody_has_answered_is_pending",
]

MANY = 20
"""Tickets that one reading takes in."""


async def polled(
    outside: Outside, since: str | None, tickets: Sequence[TicketRef]
) -> tuple[dict[str, Observation], str]:
    """What a poll reads, by ticket id, and where the next one goes on."""
    page = await outside.connector.fetch_decisions(since, among(tickets))
    return {one.ref.id: one for one in page.observations}, page.cursor


def refusals(outside: Outside, observation: Observation) -> list[str]:
    """Why what people did cannot count."""
    found = outside.connector.decide(observation)
    return [one.reason for one in found if isinstance(one, TicketRefusal)]


def verdicts(outside: Outside, observation: Observation) -> list[tuple[str | None, Verdict]]:
    """Who said what."""
    return [(vote.act.actor, vote.verdict) for vote in votes(outside, observation)]


async def test_ticket_that_nobody_has_answered_is_pending(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    found, _ = await polled(outside, None, [ref])

    for observation in (await seen(outside, ref), found[ref.id]):
        assert observation.awaiting
        assert [] == list(outside.connector.decide(observation))


async def test_approval_is_seen_with_who_gave_it_and_what_they_said(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN, "Fine, for this year.")
    (vote,) = votes(outside, await seen(outside, ref))

    assert (outside.people[Who.BEN], Verdict.APPROVE) == (vote.act.actor, vote.verdict)
    assert "Fine, for this year." == vote.act.comment.strip()
    assert vote.act.at.tzinfo is not None


async def test_rejection_is_seen_with_its_reason(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.reject(ref, Who.CARA, "Too much.")
    (vote,) = votes(outside, await seen(outside, ref))

    assert (outside.people[Who.CARA], Verdict.REJECT) == (vote.act.actor, vote.verdict)
    assert "Too much." == vote.act.comment.strip()


async def test_changes_are_seen_as_they_were_written(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.ask_changes(ref, Who.BEN, "amount: 90\ncustomer: Contoso Ltd")
    (vote,) = votes(outside, await seen(outside, ref))
    asked = vote.act.changes.strip() or split(vote.act.comment)[1]

    assert outside.people[Who.BEN] == vote.act.actor
    assert vote.verdict in (Verdict.MODIFY, Verdict.APPROVE)
    assert "amount: 90\ncustomer: Contoso Ltd" == asked


async def test_comment_of_somebody_else_is_not_the_reason(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.connector.comment(ref, "Changes:\namount: 1", key="k1")
    await outside.comment(ref, Who.ERIN, "Changes:\namount: 2")
    await outside.approve(ref, Who.BEN)
    await outside.comment(ref, Who.STRANGER, "Changes:\namount: 3")
    (vote,) = votes(outside, await seen(outside, ref))

    assert ("", "") == (vote.act.comment.strip(), vote.act.changes.strip())


async def test_reading_again_gives_the_same_acts(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN, "Fine.")
    once, (found, _) = await seen(outside, ref), await polled(outside, None, [ref])
    await outside.connector.comment(ref, "Noted.", key="k1")
    again = await seen(outside, ref)
    ids = [act.id for act in once.acts]

    assert ids == [act.id for act in again.acts]
    assert ids == [act.id for act in found[ref.id].acts]
    assert ids == sorted(set(ids), key=ids.index)
    assert list(outside.connector.decide(once)) == list(outside.connector.decide(once))


async def test_one_reading_takes_in_any_number_of_tickets(outside: Outside, orders: Orders) -> None:
    refs = [await orders.ticket() for _ in range(MANY)]
    await polled(outside, None, refs)
    before = outside.requests()
    found, cursor = await polled(outside, None, refs)
    full = outside.requests() - before
    for number, ref in enumerate(refs):
        await (outside.approve if number % 2 else outside.reject)(ref, Who.BEN, "So be it.")
    before = outside.requests()
    changed, _ = await polled(outside, cursor, refs)
    delta = outside.requests() - before

    assert full <= outside.calls_for(MANY)
    assert delta <= outside.calls_for(MANY)
    assert {ref.id for ref in refs} <= found.keys()
    assert [[Verdict.REJECT], [Verdict.APPROVE]] * (MANY // 2) == [
        [vote.verdict for vote in votes(outside, changed[ref.id])] for ref in refs
    ]


async def test_reading_on_finds_everything_that_has_changed_since(
    outside: Outside, orders: Orders
) -> None:
    refs = [await orders.ticket() for _ in range(4)]
    ben, cursor = outside.people[Who.BEN], None
    for ref in refs:
        await outside.approve(ref, Who.BEN)
        found, cursor = await polled(outside, cursor, refs)

        assert [(ben, Verdict.APPROVE)] == verdicts(outside, found[ref.id])


async def test_decision_that_the_index_has_not_seen_is_read_by_a_later_poll(
    outside: Outside, orders: Orders
) -> None:
    refs = [await orders.ticket() for _ in range(2)]
    _, cursor = await polled(outside, None, refs)
    outside.lag_index()
    await outside.approve(refs[0], Who.BEN)
    _, cursor = await polled(outside, cursor, refs)
    outside.catch_up()
    await outside.approve(refs[1], Who.CARA)
    found, _ = await polled(outside, cursor, refs)

    assert [(outside.people[Who.BEN], Verdict.APPROVE)] == verdicts(outside, found[refs[0].id])
    assert [(outside.people[Who.CARA], Verdict.APPROVE)] == verdicts(outside, found[refs[1].id])


async def test_reading_everything_takes_in_what_is_open_and_nothing_that_is_closed(
    outside: Outside, orders: Orders
) -> None:
    waiting, answered, closed = [await orders.ticket() for _ in range(3)]
    await outside.approve(answered, Who.BEN)
    await outside.connector.close(closed, TicketOutcome.CANCELLED, "Called off.")
    found, _ = await polled(outside, None, [waiting, answered])

    assert {waiting.id, answered.id} == found.keys()


async def test_one_ticket_is_read_as_it_is_whatever_the_index_says(
    outside: Outside, orders: Orders
) -> None:
    outside.lag_index()
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)

    assert [(outside.people[Who.BEN], Verdict.APPROVE)] == verdicts(
        outside, await seen(outside, ref)
    )


async def test_act_in_a_ticket_whose_text_was_changed_is_refused(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.edit_text(ref, Who.ERIN, "Give everybody a day off.")
    await outside.approve(ref, Who.BEN)
    found, _ = await polled(outside, None, [ref])

    for observation in (await seen(outside, ref), found[ref.id]):
        assert observation.altered_by
        assert [] == votes(outside, observation)
        assert 1 == len(refusals(outside, observation))


async def test_act_of_our_own_account_is_refused(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.OWN)
    observation = await seen(outside, ref)

    assert [] == votes(outside, observation)
    assert 1 == len(refusals(outside, observation))


async def test_act_of_nobody_is_refused(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)
    read = await seen(outside, ref)
    acts = tuple(act.model_copy(update={"actor": None}) for act in read.acts)
    observation = read.model_copy(update={"acts": acts})

    assert [] == votes(outside, observation)
    assert 1 == len(refusals(outside, observation))


@pytest.mark.parametrize("who", [Who.ERIN, Who.STRANGER])
async def test_act_of_somebody_else_is_never_taken_for_that_of_who_was_asked(
    outside: Outside, orders: Orders, who: Who
) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, who)
    observation = await seen(outside, ref)
    found = list(outside.connector.decide(observation))

    assert 1 == len(found)
    assert outside.people[who] == found[0].act.actor


async def test_state_that_is_not_mapped_means_pending(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.move(ref, Who.BEN, Elsewhere.UNMAPPED)

    assert [] == list(outside.connector.decide(await seen(outside, ref)))


async def test_ticket_closed_without_a_decision_is_refused(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.move(ref, Who.BEN, Elsewhere.CLOSED)
    observation = await seen(outside, ref)

    assert not observation.awaiting
    assert [] == votes(outside, observation)
    assert 1 == len(refusals(outside, observation))


async def test_reopened_ticket_is_pending_and_adds_no_vote(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)
    before = {vote.act.id for vote in votes(outside, await seen(outside, ref))}
    await outside.reopen(ref, Who.BEN)
    observation = await seen(outside, ref)

    assert observation.awaiting
    assert {vote.act.id for vote in votes(outside, observation)} <= before


async def test_ticket_says_which_order_it_carries_now(outside: Outside, orders: Orders) -> None:
    order, other = await orders.new(), await orders.new()
    ref = await outside.connector.open_ticket(order)
    await outside.relabel(ref, Who.ERIN, other.key)
    observation = await seen(outside, ref)

    assert (ref.id, other.key) == (observation.ref.id, observation.order_key)
