"""The contract of `approvals.ports.TicketConnector`: a ticket and what is said in it.

How it ends is in `ticket_closing`, what people decide in it in `ticket_decisions`, what goes wrong
in `ticket_faults`.
"""

from __future__ import annotations

import asyncio

import pytest

from countersign.approvals.errors import InvalidError, NotFoundError
from countersign.approvals.tickets import TicketOutcome
from countersign.testing.suites.ticket_orders import Orders, orders
from countersign.testing.suites.ticket_reading import EFFECTS, Effect, said, seen, votes
from countersign.testing.suites.ticket_system import Outside, Who

__all__ = [
    "orders",
    "test_adopting_makes_no_ticket_and_changes_nothing_that_is_right",
    "test_adopting_restores_the_text_and_those_who_answer_can_answer",
    "test_asking_again_late_takes_no_newer_answer_away",
    "test_comment_is_made_once_for_each_key",
    "test_key_that_is_a_query_finds_nothing",
    "test_more_people_can_answer_after_an_answer_that_counted",
    "test_nothing_is_found_before_a_ticket_is_opened",
    "test_opened_ticket_is_found_by_the_key_of_its_order",
    "test_request_of_any_size_and_wording_can_be_asked",
    "test_ticket_can_be_answered_again_after_an_answer_that_did_not_count",
    "test_ticket_of_somebody_else_with_our_key_is_not_ours",
    "test_ticket_remembers_the_text_that_it_was_given",
    "test_ticket_that_is_gone_is_not_found",
    "test_ticket_that_the_index_has_not_seen_is_found_later",
    "test_tickets_made_twice_are_found_the_first_made_first",
    "test_what_several_say_at_the_same_time_is_said_once",
]

HOSTILE = "*[a|https://evil.example]* {color:red}!x.png!{color} ||h||^ORactive=true^\u202e<b>&~"
HOSTILE_KEYS = ('x" OR labels = "agent-approval', "x^ORcorrelation_idISNOTEMPTY", "*", "%", "")
effects = pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS.keys())


async def test_nothing_is_found_before_a_ticket_is_opened(outside: Outside, orders: Orders) -> None:
    order = await orders.new()
    await orders.ticket()

    assert [] == list(await outside.connector.find(order.key))


async def test_opened_ticket_is_found_by_the_key_of_its_order(
    outside: Outside, orders: Orders
) -> None:
    order = await orders.new()
    ref = await outside.connector.open_ticket(order)
    (found,) = await outside.connector.find(order.key)
    observation = await seen(outside, ref)

    assert (ref.id, ref.key, True) == (found.ref.id, found.ref.key, found.ours)
    assert order.key == observation.order_key
    assert ref.url.startswith(("http://", "https://"))
    assert [ref.key] == await outside.open_tickets()


@pytest.mark.parametrize("key", HOSTILE_KEYS)
async def test_key_that_is_a_query_finds_nothing(
    outside: Outside, orders: Orders, key: str
) -> None:
    await orders.ticket()
    try:
        found = await outside.connector.find(key)
    except InvalidError:
        found = []

    assert [] == list(found)


async def test_request_of_any_size_and_wording_can_be_asked(
    outside: Outside, orders: Orders
) -> None:
    arguments = {f"{HOSTILE} {n}": HOSTILE * 60 for n in range(10)}
    order = await orders.new(arguments)
    revised = order.view.request.model_copy(
        update={"proposed_arguments": arguments, "rationale": HOSTILE * 60}
    )
    view = order.view.model_copy(update={"request": revised})
    order = order.model_copy(update={"view": view})
    ref = await outside.connector.open_ticket(order)
    observation = await seen(outside, ref)
    await outside.approve(ref, Who.BEN)

    assert observation.altered_by is None
    assert [ref.id] == [found.ref.id for found in await outside.connector.find(order.key)]
    assert 1 == len(votes(outside, await seen(outside, ref)))


async def test_ticket_remembers_the_text_that_it_was_given(
    outside: Outside, orders: Orders
) -> None:
    ref, other = await orders.ticket(), await orders.ticket()

    assert {64} == {len(part) for part in ref.shown.split(".")}
    assert ref.shown != other.shown


async def test_tickets_made_twice_are_found_the_first_made_first(
    outside: Outside, orders: Orders
) -> None:
    order = await orders.new()
    refs = [await outside.connector.open_ticket(order) for _ in range(3)]
    found = await outside.connector.find(order.key)

    assert [ref.id for ref in refs] == [one.ref.id for one in found]
    assert {True} == {one.ours for one in found}


async def test_ticket_of_somebody_else_with_our_key_is_not_ours(
    outside: Outside, orders: Orders
) -> None:
    order = await orders.new()
    foreign = await outside.foreign_ticket_with(order.key)
    ref = await outside.connector.open_ticket(order)
    found = {one.ref.id: one.ours for one in await outside.connector.find(order.key)}

    assert {foreign.id: False, ref.id: True} == found


async def test_ticket_that_the_index_has_not_seen_is_found_later(
    outside: Outside, orders: Orders
) -> None:
    order = await orders.new()
    outside.lag_index()
    ref = await outside.connector.open_ticket(order)
    early = await outside.connector.find(order.key)
    outside.catch_up()
    found = await outside.connector.find(order.key)

    assert outside.connector.index_lag_s > 0 or early
    assert [ref.id] == [one.ref.id for one in found]


async def test_adopting_makes_no_ticket_and_changes_nothing_that_is_right(
    outside: Outside, orders: Orders
) -> None:
    order = await orders.new()
    ref = await outside.connector.open_ticket(order)
    (found,) = await outside.connector.find(order.key)
    adopted = [await outside.connector.adopt(order, found.ref) for _ in range(2)]
    observation = await seen(outside, adopted[0])

    assert [(ref.id, ref.key, ref.url, ref.shown)] * 2 == [
        (one.id, one.key, one.url, one.shown) for one in adopted
    ]
    assert 1 == len(await outside.connector.find(order.key))
    assert observation.awaiting
    assert () == observation.acts
    assert observation.altered_by is None


async def test_adopting_restores_the_text_and_those_who_answer_can_answer(
    outside: Outside, orders: Orders
) -> None:
    order = await orders.new()
    ref = await outside.connector.open_ticket(order)
    await outside.edit_text(ref, Who.ERIN, "Give everybody a day off.")
    adopted = await outside.connector.adopt(order, ref)
    restored = await seen(outside, adopted)
    await outside.approve(adopted, Who.CARA)
    (vote,) = votes(outside, await seen(outside, adopted))

    assert ref.shown == adopted.shown
    assert restored.altered_by is None
    assert outside.people[Who.CARA] == vote.act.actor


async def test_comment_is_made_once_for_each_key(outside: Outside, orders: Orders) -> None:
    ref = await orders.ticket()
    for key in ("k1", "k1", "k2", "k1"):
        await outside.connector.comment(ref, "Please look at this.", key=key)

    assert 2 == await said(outside, ref, "Please look at this.")


async def test_what_several_say_at_the_same_time_is_said_once(
    outside: Outside, orders: Orders
) -> None:
    """As a webhook, a poll and the courier may."""
    ref, answered = await orders.ticket(), await orders.ticket()
    await outside.approve(answered, Who.BEN)
    (vote,) = votes(outside, await seen(outside, answered))
    connector = outside.connector
    for _ in range(3):
        await asyncio.gather(
            *(connector.comment(ref, "Please look at this.", key="k1") for _ in range(3)),
            *(connector.close(ref, TicketOutcome.EXECUTED, "Done.") for _ in range(3)),
            *(
                connector.ask_again(answered, vote.act, "It does not count.", counted=False)
                for _ in range(3)
            ),
        )

    assert 1 == await said(outside, ref, "Please look at this.")
    assert 1 == await said(outside, ref, "Done.")
    assert 1 == await said(outside, answered, "It does not count.")


async def test_ticket_can_be_answered_again_after_an_answer_that_did_not_count(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)
    (first,) = votes(outside, await seen(outside, ref))
    for _ in range(2):
        await outside.connector.ask_again(ref, first.act, "It does not count.", counted=False)
    asking = await seen(outside, ref)
    await outside.reject(ref, Who.BEN, "Too much.")
    newest = votes(outside, await seen(outside, ref))[-1]

    assert asking.awaiting
    assert 1 == await said(outside, ref, "It does not count.")
    assert (outside.people[Who.BEN], "reject") == (newest.act.actor, newest.verdict)
    assert first.act.id != newest.act.id


async def test_more_people_can_answer_after_an_answer_that_counted(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)
    (first,) = votes(outside, await seen(outside, ref))
    await outside.connector.ask_again(ref, first.act, "One more has to approve.", counted=True)
    asking = await seen(outside, ref)
    await outside.approve(ref, Who.CARA)
    observation = await seen(outside, ref)

    assert asking.awaiting
    assert outside.people[Who.CARA] in {vote.act.actor for vote in votes(outside, observation)}
    assert sorted(act.at for act in observation.acts) == [act.at for act in observation.acts]


async def test_asking_again_late_takes_no_newer_answer_away(
    outside: Outside, orders: Orders
) -> None:
    ref = await orders.ticket()
    await outside.approve(ref, Who.BEN)
    (first,) = votes(outside, await seen(outside, ref))
    await outside.connector.ask_again(ref, first.act, "One more has to approve.", counted=True)
    await outside.approve(ref, Who.CARA)
    answered = await seen(outside, ref)
    await outside.connector.ask_again(ref, first.act, "One more has to approve.", counted=True)
    observation = await seen(outside, ref)

    assert (answered.awaiting, answered.state_name) == (
        observation.awaiting,
        observation.state_name,
    )
    assert outside.people[Who.CARA] in {vote.act.actor for vote in votes(outside, observation)}
    assert 1 == await said(outside, ref, "One more has to approve.")


@effects
async def test_ticket_that_is_gone_is_not_found(
    outside: Outside, orders: Orders, effect: Effect
) -> None:
    order = await orders.new()
    ref = await outside.connector.open_ticket(order)
    await outside.approve(ref, Who.BEN)
    (act,) = (await seen(outside, ref)).acts
    await outside.delete(ref)

    assert await outside.connector.fetch_one(ref) is None
    with pytest.raises(NotFoundError):
        await effect(outside.connector, order, ref, act)
