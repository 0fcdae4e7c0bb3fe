"""The contract of `approvals.ports.TicketConnector`: outages, lost answers, and forged webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from countersign.approvals.errors import InvalidWebhookError, UnansweredError, UnavailableError
from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.testing.suites.ticket_orders import Orders, orders
from countersign.testing.suites.ticket_reading import EFFECTS, Effect, among, said, seen
from countersign.testing.suites.ticket_system import Outside, Who

__all__ = [
    "orders",
    "test_call_that_is_turned_away_has_done_nothing_and_works_later",
    "test_check_finds_nothing_wrong_with_what_works",
    "test_check_reports_an_outage_and_does_not_raise",
    "test_reading_that_is_turned_away_works_later",
    "test_ticket_that_was_turned_away_was_not_made",
    "test_ticket_whose_answer_was_lost_is_found_and_can_be_completed",
    "test_webhook_about_something_else_is_no_hint",
    "test_webhook_is_refused_without_a_secret",
    "test_webhook_names_the_ticket_however_often_it_is_delivered",
    "test_webhook_whose_body_was_changed_is_refused",
    "test_webhook_with_the_signature_of_another_is_refused",
    "test_webhook_without_a_signature_is_refused",
    "test_words_whose_answer_was_lost_are_not_said_twice",
]

Reading = Callable[[TicketConnector, TicketRef], Awaitable[object]]
READINGS: dict[str, Reading] = {
    "find": lambda connector, ref: connector.find("R-1.1.0"),
    "fetch_decisions": lambda connector, ref: connector.fetch_decisions(None, among([ref])),
    "fetch_one": lambda connector, ref: connector.fetch_one(ref),
}


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS.keys())
async def test_call_that_is_turned_away_has_done_nothing_and_works_later(
    outside: Outside, orders: Orders, effect: Effect
) -> None:
    order = await orders.new()
    ref = await outside.connector.open_ticket(order)
    await outside.approve(ref, Who.BEN)
    (act,) = (await seen(outside, ref)).acts
    before = await outside.comments(ref)
    with outside.outage(retry_after_s=7), pytest.raises(UnavailableError) as raised:
        await effect(outside.connector, order, ref, act)
    during = await outside.comments(ref)
    await effect(outside.connector, order, ref, act)

    assert not isinstance(raised.value, UnansweredError)
    assert 7 == raised.value.retry_after_s
    assert before == during


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS.keys())
async def test_reading_that_is_turned_away_works_later(
    outside: Outside, orders: Orders, reading: Reading
) -> None:
    ref = await orders.ticket()
    with outside.outage(retry_after_s=7), pytest.raises(UnavailableError) as raised:
        await reading(outside.connector, ref)

    assert 7 == raised.value.retry_after_s
    assert await reading(outside.connector, ref) is not None


async def test_ticket_that_was_turned_away_was_not_made(outside: Outside, orders: Orders) -> None:
    order = await orders.new()
    with outside.outage(), pytest.raises(UnavailableError) as raised:
        await outside.connector.open_ticket(order)
    found = await outside.connector.find(order.key)
    ref = await outside.connector.open_ticket(order)

    assert not isinstance(raised.value, UnansweredError)
    assert [] == list(found)
    assert [ref.key] == await outside.open_tickets()


async def test_ticket_whose_answer_was_lost_is_found_and_can_be_completed(
    outside: Outside, orders: Orders
) -> None:
    order = await orders.new()
    outside.unanswered()
    with pytest.raises(UnansweredError):
        await outside.connector.open_ticket(order)
    (found,) = await outside.connector.find(order.key)
    ref = await outside.connector.adopt(order, found.ref)
    await outside.approve(ref, Who.CARA)

    assert found.ours
    assert outside.people[Who.CARA] == (await seen(outside, ref)).acts[0].actor
    assert 1 == len(await outside.connector.find(order.key))


@pytest.mark.parametrize("words", ["comment", "close", "ask_again"])
async def test_words_whose_answer_was_lost_are_not_said_twice(
    outside: Outside, orders: Orders, words: str
) -> None:
    order = await orders.new()
    ref = await outside.connector.open_ticket(order)
    await outside.approve(ref, Who.BEN)
    (act,) = (await seen(outside, ref)).acts
    text = {"comment": "Hello.", "close": "Done.", "ask_again": "It does not count."}[words]
    outside.unanswered()
    with pytest.raises(UnansweredError):
        await EFFECTS[words](outside.connector, order, ref, act)
    await EFFECTS[words](outside.connector, order, ref, act)

    assert 1 == await said(outside, ref, text)
    assert (words == "ask_again") == (await seen(outside, ref)).awaiting


async def test_check_finds_nothing_wrong_with_what_works(outside: Outside) -> None:
    assert [] == [result for result in await outside.connector.check() if not result.ok]


async def test_check_reports_an_outage_and_does_not_raise(outside: Outside) -> None:
    with outside.outage():
        wrong = [result for result in await outside.connector.check() if not result.ok]

    assert wrong
    assert all(result.name and result.said for result in wrong)


async def test_webhook_names_the_ticket_however_often_it_is_delivered(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)
    headers, body = outside.webhook_for(ref)
    first = outside.connector.verify_webhook(headers, body)
    shouted = {name.upper(): value for name, value in headers.items()}
    replayed = outside.connector.verify_webhook(shouted, body)

    assert first is not None
    assert ref.id == first.ticket_id
    assert first == replayed


async def test_webhook_about_something_else_is_no_hint(outside: Outside) -> None:
    headers, body = outside.webhook_elsewhere()

    assert outside.connector.verify_webhook(headers, body) is None


async def test_webhook_whose_body_was_changed_is_refused(outside: Outside, orders: Orders) -> None:
    headers, body = outside.webhook_for(await orders.ticket())

    with pytest.raises(InvalidWebhookError):
        outside.connector.verify_webhook(headers, body + b" ")


async def test_webhook_with_the_signature_of_another_is_refused(
    outside: Outside, orders: Orders
) -> None:
    headers, _ = outside.webhook_for(await orders.ticket())
    _, body = outside.webhook_for(await orders.ticket())

    with pytest.raises(InvalidWebhookError):
        outside.connector.verify_webhook(headers, body)


async def test_webhook_without_a_signature_is_refused(outside: Outside, orders: Orders) -> None:
    headers, body = outside.webhook_for(await orders.ticket())
    unsigned = {name: value for name, value in headers.items() if "signature" not in name.lower()}

    for few in ({}, unsigned):
        with pytest.raises(InvalidWebhookError):
            outside.connector.verify_webhook(few, body)


async def test_webhook_is_refused_without_a_secret(outside: Outside, orders: Orders) -> None:
    headers, body = outside.webhook_for(await orders.ticket())

    with pytest.raises(InvalidWebhookError):
        outside.without_secret().verify_webhook(headers, body)
