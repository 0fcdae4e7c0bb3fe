"""Comments, asking again and the end, also where the instance does not let us."""

from __future__ import annotations

import pytest

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import TicketOutcome, TicketVote
from countersign.sandbox._faults import Fault
from countersign.sandbox.servicenow.people import (
    ALEX,
    APPROVAL_ADMIN,
    BOT,
    SAM,
)
from countersign.testing.suites.ticket_system import Who
from tests.connectors.servicenow.office import APPROVER, Office
from tests.contracts.orders import Orders

NORMAL_END = [
    {"state": "-4"},
    {"state": "-3"},
    {"state": "-2"},
    {"state": "-1"},
    {"state": 0},
    {"state": 3, "close_code": "successful", "close_notes": "Done by the agent."},
]


@pytest.mark.parametrize("rule", ["any", "everyone"])
async def test_two_of_two_can_approve_whatever_the_instance_does_after_the_first(
    office: Office, orders: Orders, rule: str
) -> None:
    office.snow.options.approval_rule = rule  # type: ignore[assignment]
    ref = await orders.ticket()
    office.person(ALEX.user_name).approve(ref.id)
    (first,) = await office.found(ref)
    await office.connector.ask_again(ref, first.act, "One more has to approve.", counted=True)
    office.person(SAM.user_name).approve(ref.id)
    found = await office.found(ref)

    assert {ALEX.user_name, SAM.user_name} == {one.act.actor for one in found}
    assert first.act in [one.act for one in found]


async def test_others_can_answer_after_an_answer_that_did_not_count(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person(ALEX.user_name).reject(ref.id, "No.")
    (refused,) = await office.found(ref)
    await office.connector.ask_again(ref, refused.act, "It does not count.", counted=False)

    assert {ALEX.user_name: "requested", SAM.user_name: "requested"} == office.states(ref)


async def test_newer_answer_of_the_same_person_is_not_taken_away(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    alex = office.person(ALEX.user_name)
    alex.approve(ref.id)
    (first,) = await office.found(ref)
    await office.connector.ask_again(ref, first.act, "It does not count.", counted=False)
    alex.approve(ref.id, "Now then.")
    await office.connector.ask_again(ref, first.act, "It does not count.", counted=False)
    (second,) = await office.found(ref)

    assert isinstance(second, TicketVote)
    assert ("Now then.", Verdict.APPROVE) == (second.act.comment, second.verdict)


async def test_closed_ticket_is_not_asked_again(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    office.person(ALEX.user_name).approve(ref.id)
    (vote,) = await office.found(ref)
    await office.connector.close(ref, TicketOutcome.EXECUTED, "Done.")
    await office.connector.ask_again(ref, vote.act, "It does not count.", counted=False)

    assert not (await office.seen(ref)).awaiting


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (TicketOutcome.APPROVED, "not_required"),
        (TicketOutcome.REJECTED, "not_required"),
        (TicketOutcome.EXPIRED, "cancelled"),
        (TicketOutcome.DUPLICATE, "cancelled"),
    ],
)
async def test_open_questions_are_taken_back_and_answers_stay(
    office: Office, orders: Orders, outcome: TicketOutcome, state: str
) -> None:
    office.snow.options.approval_rule = "everyone"
    ref = await orders.ticket()
    office.person(ALEX.user_name).approve(ref.id)
    await office.connector.close(ref, outcome, "So it ended.")

    assert {ALEX.user_name: "approved", SAM.user_name: state} == office.states(ref)


async def test_we_never_approve_a_record(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    for outcome in TicketOutcome:
        await office.connector.close(ref, outcome, f"It is {outcome}.")
    bodies = [r.body for r in office.snow.requests if r.method in ("POST", "PATCH")]

    assert bodies
    assert not [body for body in bodies if "approval" in body or body.get("state") == "approved"]


async def test_record_is_brought_to_its_end_in_steps(office: Office, orders: Orders) -> None:
    connector = office.use(close={"executed": NORMAL_END})
    ref = await orders.ticket()
    office.person(ALEX.user_name).approve(ref.id)
    for _ in range(2):
        await connector.close(ref, TicketOutcome.EXECUTED, "Done.")
    change = office.snow.change(ref.id)

    assert ("3", "successful", "approved") == (
        change["state"],
        change["close_code"],
        change["approval"],
    )
    assert 1 == len([e for e in office.snow.journal(ref.id) if "Done." in e["value"]])


async def test_step_that_a_rule_refuses_leaves_the_rest_done(
    office: Office, orders: Orders
) -> None:
    connector = office.use(close={"executed": NORMAL_END})
    ref = await orders.ticket()
    await connector.close(ref, TicketOutcome.EXECUTED, "Done.")

    assert "-3" == office.snow.change(ref.id)["state"]
    assert [] == await office.open_tickets()
    assert 1 == len([e for e in office.snow.journal(ref.id) if "Done." in e["value"]])


async def test_question_that_we_may_not_take_back_is_left(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    office.snow.revoke(BOT.user_name, APPROVAL_ADMIN)
    await office.connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")

    assert [] == await office.open_tickets()
    assert {"requested"} == set(office.states(ref).values())


async def test_end_that_was_broken_off_is_completed_by_the_next_try(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.snow.faults.add(Fault(kind="error", status=429, method="PATCH", path=APPROVER))
    with pytest.raises(Exception, match="no more calls"):
        await office.connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")
    await office.connector.close(ref, TicketOutcome.REJECTED, "Rejected in the chat.")

    assert {"not_required"} == set(office.states(ref).values())
    assert 1 == len(office.snow.journal(ref.id))


async def test_nothing_that_is_said_becomes_markup(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    await office.connector.comment(ref, "[code]<img src=x>[/code]", key="k1")
    (said,) = [entry["value"] for entry in office.snow.journal(ref.id)]

    assert "[code]" not in said
    assert "<img" not in said


async def test_comments_leave_the_approvals_untouched(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    await office.approve(ref, Who.BEN)
    (vote,) = await office.found(ref)
    before = office.approval(ref, ALEX.user_name)
    await office.connector.comment(ref, "Noted.", key="k1")
    await office.connector.ask_again(ref, vote.act, "One more.", counted=True)

    assert before == office.approval(ref, ALEX.user_name)
