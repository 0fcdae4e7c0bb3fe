"""What people may write in an instance, used to have something else approved than was shown."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from countersign.approvals.tickets import TicketRef, TicketRefusal
from countersign.sandbox.servicenow.people import (
    ALEX,
    APPROVAL_ADMIN,
    BOT,
    ITIL,
    MALLORY,
    MEGAN,
)
from tests.connectors.servicenow.fixtures import settings
from tests.connectors.servicenow.office import APPROVER, Office
from tests.contracts.orders import Orders

CHANGE, CHANGES = "change_request", "u_requested_changes"


async def said(office: Office, ref: TicketRef) -> list[str]:
    """The verdicts, and the reasons against the others."""
    return [
        one.reason if isinstance(one, TicketRefusal) else str(one.verdict)
        for one in await office.found(ref)
    ]


@pytest.mark.parametrize("instead", ["amount: 91", ""], ids=["replaced", "taken away"])
async def test_changes_that_somebody_overwrote_are_not_approved_as_if_there_were_none(
    office: Office, orders: Orders, instead: str
) -> None:
    ref = await orders.ticket()
    row = office.approval(ref, ALEX.user_name)
    office.person(ALEX.user_name).edit(APPROVER, row["sys_id"], {CHANGES: "amount: 90"})
    mallory = office.person(MALLORY.user_name, APPROVAL_ADMIN)
    mallory.edit(APPROVER, row["sys_id"], {CHANGES: instead})
    office.person(ALEX.user_name).approve(ref.id)
    (reason,) = await said(office, ref)

    assert "last written by mallory.evil, who did not decide" in reason


async def test_changes_that_were_taken_away_are_forgotten_once_it_is_asked_again(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    row = office.approval(ref, ALEX.user_name)
    office.person(ALEX.user_name).edit(APPROVER, row["sys_id"], {CHANGES: "amount: 90"})
    office.person(MALLORY.user_name, APPROVAL_ADMIN).edit(APPROVER, row["sys_id"], {CHANGES: ""})
    office.person(ALEX.user_name).approve(ref.id)
    (act,) = (await office.seen(ref)).acts
    await office.connector.ask_again(ref, act, "Please decide again.", counted=False)
    office.person(ALEX.user_name).approve(ref.id)

    assert ["approve"] == await said(office, ref)


async def test_overwritten_changes_do_not_stand_against_a_rejection(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    row = office.approval(ref, ALEX.user_name)
    mallory = office.person(MALLORY.user_name, APPROVAL_ADMIN)
    mallory.edit(APPROVER, row["sys_id"], {CHANGES: "amount: 91"})
    office.person(ALEX.user_name).reject(ref.id, "No.")

    assert ["reject"] == await said(office, ref)


@pytest.mark.parametrize("who", [MALLORY.user_name, "svc_approvals"])
async def test_answer_to_one_record_is_none_to_the_record_it_is_put_on(
    office: Office, orders: Orders, who: str
) -> None:
    harmless, wanted = await orders.ticket(), await orders.ticket()
    office.person(ALEX.user_name).approve(harmless.id)
    row = office.approval(harmless, ALEX.user_name)
    moved = {"sysapproval": wanted.id, "document_id": wanted.id}
    office.person(who, APPROVAL_ADMIN).edit(APPROVER, row["sys_id"], moved)
    (reason,) = await said(office, wanted)

    assert "was given on another record" in reason
    assert who in reason


@pytest.mark.parametrize("column", ["short_description", "description"])
async def test_answer_while_what_was_shown_was_another_text_does_not_count(
    office: Office, orders: Orders, column: str
) -> None:
    ref = await orders.ticket()
    megan = office.person(MEGAN.user_name, ITIL)
    megan.edit(CHANGE, ref.id, {column: "Approve free cake: amount 1"})
    office.person(ALEX.user_name).approve(ref.id)
    seen = await office.seen(ref)
    (reason,) = await said(office, ref)

    assert MEGAN.user_name == seen.altered_by
    assert f"was changed by {MEGAN.user_name}" in reason


@pytest.mark.parametrize("column", ["short_description", "description"])
async def test_answer_to_a_text_that_was_changed_back_since_does_not_count(
    office: Office, orders: Orders, column: str
) -> None:
    ref = await orders.ticket()
    ours = office.snow.change(ref.id)[column]
    megan = office.person(MEGAN.user_name, ITIL)
    megan.edit(CHANGE, ref.id, {column: "Approve free cake: amount 1"})
    office.person(ALEX.user_name).approve(ref.id)
    megan.edit(CHANGE, ref.id, {column: ours})
    seen = await office.seen(ref)
    (reason,) = await said(office, ref)

    assert seen.altered_by is None
    assert f"was changed by {MEGAN.user_name} before this" in reason


async def test_text_that_our_user_wrote_and_we_did_not_is_not_ours(
    office: Office, orders: Orders
) -> None:
    """Whoever has our password may rewrite what people read, and put it right after the answer."""
    ref = await orders.ticket()
    ours = office.snow.change(ref.id)["description"]
    thief = office.person(BOT.user_name, ITIL)
    thief.edit(CHANGE, ref.id, {"description": "Approve free cake"})
    altered = (await office.seen(ref)).altered_by
    office.snow.clock_offset_s = 5
    office.person(ALEX.user_name).approve(ref.id)
    office.snow.clock_offset_s = 10
    thief.edit(CHANGE, ref.id, {"description": ours})
    (reason,) = await said(office, ref)

    assert altered == BOT.user_name
    assert f"was changed by {BOT.user_name} before this" in reason


async def test_answer_to_a_text_that_was_put_right_before_it_counts(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    ours = office.snow.change(ref.id)["description"]
    megan = office.person(MEGAN.user_name, ITIL)
    megan.edit(CHANGE, ref.id, {"description": "Approve free cake"})
    megan.edit(CHANGE, ref.id, {"description": ours})
    office.snow.clock_offset_s = 5
    office.person(ALEX.user_name).approve(ref.id)
    megan.comment(ref.id, "Sorry for that.")

    assert ["approve"] == await said(office, ref)


async def test_half_a_character_in_a_comment_is_readable(office: Office, orders: Orders) -> None:
    ref = await orders.ticket()
    office.person(ALEX.user_name).approve(ref.id, "Fine\ud83d.")
    (act,) = (await office.seen(ref)).acts

    assert "Fine?." == act.comment


def test_empty_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="anybody could sign with it"):
        settings(webhook_secrets=(SecretStr("secret"), SecretStr(" ")))
