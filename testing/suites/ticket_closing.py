"""The contract of `approvals.ports.TicketConnector`: how a ticket ends."""

from __future__ import annotations

import pytest

from countersign.approvals.tickets import TicketOutcome
from countersign.testing.suites.ticket_orders import Orders, orders
from countersign.testing.suites.ticket_reading import said, seen, votes
from countersign.testing.suites.ticket_system import Outside, Who

__all__ = [
    "orders",
    "test_closing_is_nobodys_vote",
    "test_closing_says_why_once_and_nobody_is_asked_any_more",
    "test_closing_without_a_text_says_nothing",
    "test_each_outcome_of_a_ticket_is_told",
    "test_reopened_ticket_can_be_closed_again_without_a_word",
    "test_ticket_in_doubt_is_told_what_was_found",
]


@pytest.mark.parametrize("outcome", list(TicketOutcome))
async def test_closing_says_why_once_and_nobody_is_asked_any_more(
    outside: Outside, orders: Orders, outcome: TicketOutcome
) -> None:
    ref, other = await orders.ticket(), await orders.ticket()
    for _ in range(2):
        await outside.connector.close(ref, outcome, "So it ended.")
    observation = await seen(outside, ref)

    assert not observation.awaiting
    assert 1 == await said(outside, ref, "So it ended.")
    assert [other.key] == await outside.open_tickets()


async def test_each_outcome_of_a_ticket_is_told(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)
    await outside.connector.close(ref, TicketOutcome.APPROVED, "It runs now.")
    await outside.connector.close(ref, TicketOutcome.EXECUTED, "It has run.")

    assert (1, 1) == (
        await said(outside, ref, "It runs now."),
        await said(outside, ref, "It has run."),
    )


@pytest.mark.parametrize("found", [TicketOutcome.EXECUTED, TicketOutcome.FAILED])
async def test_ticket_in_doubt_is_told_what_was_found(
    outside: Outside, orders: Orders, found: TicketOutcome
) -> None:
    ref = await orders.ticket()
    await outside.connector.close(ref, TicketOutcome.IN_DOUBT, "Please look.")
    await outside.connector.close(ref, found, "Ben has looked.")

    assert (1, 1) == (
        await said(outside, ref, "Please look."),
        await said(outside, ref, "Ben has looked."),
    )
    assert not (await seen(outside, ref)).awaiting


async def test_closing_without_a_text_says_nothing(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    before = await outside.comments(ref)
    await outside.connector.close(ref, TicketOutcome.SUPERSEDED, "")

    assert before == await outside.comments(ref)
    assert not (await seen(outside, ref)).awaiting


async def test_closing_is_nobodys_vote(outside: Outside, orders: Orders) -> None:
    for outcome in TicketOutcome:
        ref = await orders.ticket()
        await outside.connector.close(ref, outcome, "So it ended.")

        assert [] == votes(outside, await seen(outside, ref))


async def test_reopened_ticket_can_be_closed_again_without_a_word(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")
    await outside.reopen(ref, Who.ERIN)
    reopened = await seen(outside, ref)
    await outside.connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")

    assert reopened.awaiting
    assert not (await seen(outside, ref)).awaiting
    assert 1 == await said(outside, ref, "Rejected in the chat.")
