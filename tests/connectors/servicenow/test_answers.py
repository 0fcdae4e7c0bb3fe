"""Who answered an approval, and whose answer it was to give."""

from __future__ import annotations

import pytest

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import (
    TicketOutcome,
    TicketRef,
    TicketRefusal,
    TicketVote,
)
from countersign.sandbox.servicenow.people import (
    ADELE,
    ALEX,
    APPROVAL_ADMIN,
    BOT,
    MALLORY,
    SAM,
)
from tests.connectors.servicenow.office import APPROVER, Office
from tests.contracts.orders import Orders


async def votes(office: Office, ref: TicketRef) -> list[tuple[str | None, Verdict]]:
    found = await office.found(ref)
    return [(one.act.actor, one.verdict) for one in found if isinstance(one, TicketVote)]


async def reasons(office: Office, ref: TicketRef) -> list[str]:
    found = await office.found(ref)
    return [one.reason for one in found if isinstance(one, TicketRefusal)]


async def test_answer_that_somebody_gave_for_the_approver_is_refused(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    forged = {"state": "approved", "comments": "Fine."}
    row = office.approval(ref, ALEX.user_name)
    office.person(MALLORY.user_name, APPROVAL_ADMIN).edit(APPROVER, row["sys_id"], forged)

    assert [
        "mallory.evil gave the answer that alex.wilber was asked for; only alex.wilber or a "
        "delegate named in the configuration may give it."
    ] == await reasons(office, ref)


async def test_approver_who_touches_a_forged_answer_does_not_make_it_theirs(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    row = office.approval(ref, ALEX.user_name)
    mallory = office.person(MALLORY.user_name, APPROVAL_ADMIN)
    mallory.edit(APPROVER, row["sys_id"], {"state": "approved"})
    office.person(ALEX.user_name).edit(APPROVER, row["sys_id"], {"comments": "Was this me?"})

    assert ALEX.user_name == office.approval(ref, ALEX.user_name)["sys_updated_by"]
    assert [] == await votes(office, ref)


async def test_answer_that_is_touched_afterwards_stays_the_approvers_and_the_same(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person(ALEX.user_name).approve(ref.id, "Fine.")
    before = (await office.seen(ref)).acts
    row = office.approval(ref, ALEX.user_name)
    office.person("admin").edit(APPROVER, row["sys_id"], {"due_date": "2026-12-01 00:00:00"})

    assert "admin" == office.approval(ref, ALEX.user_name)["sys_updated_by"]
    assert before == (await office.seen(ref)).acts
    assert [(ALEX.user_name, Verdict.APPROVE)] == await votes(office, ref)


async def test_approval_that_was_made_answered_is_its_makers(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    made = office.person(MALLORY.user_name, APPROVAL_ADMIN).add(
        APPROVER, {"approver": ADELE.sys_id, "sysapproval": ref.id, "state": "approved"}
    )
    office.person(ADELE.user_name).edit(APPROVER, made["sys_id"], {"comments": "What is this?"})

    assert [] == await votes(office, ref)
    assert [MALLORY.user_name] == [act.actor for act in (await office.seen(ref)).acts]


async def test_delegate_in_the_configuration_may_answer_and_no_other(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person("admin").add(
        "sys_user_delegate",
        {"user": ALEX.sys_id, "delegate": ADELE.sys_id, "starts": "2020-01-01 00:00:00"},
    )
    row = office.approval(ref, ALEX.user_name)
    office.person(ADELE.user_name).edit(APPROVER, row["sys_id"], {"state": "approved"})
    unknown = await votes(office, ref)
    office.use(delegates={ALEX.user_name: [ADELE.user_name]})

    assert [] == unknown
    assert [(ADELE.user_name, Verdict.APPROVE)] == await votes(office, ref)


async def test_delegates_cannot_make_our_own_account_an_approver(
    office: Office, orders: Orders
) -> None:
    office.use(delegates={ALEX.user_name: [BOT.user_name]})
    ref = await orders.ticket()
    row = office.approval(ref, ALEX.user_name)
    office.person(BOT.user_name).edit(APPROVER, row["sys_id"], {"state": "approved"})

    assert ["The account that opens these tickets cannot decide them."] == await reasons(
        office, ref
    )


@pytest.mark.parametrize("readable", [True, False])
async def test_comment_belongs_to_the_answer_also_where_the_audit_cannot_be_read(
    office: Office, orders: Orders, readable: bool
) -> None:
    ref = await orders.ticket()
    if not readable:
        for table_row in office.snow.rows("sys_audit"):
            office.snow.hide(table_row["sys_id"])
    office.person(ALEX.user_name).approve(ref.id, "Changes:\namount: 90")
    if not readable:
        for table_row in office.snow.rows("sys_audit"):
            office.snow.hide(table_row["sys_id"])
    (act,) = (await office.seen(ref)).acts

    assert (ALEX.user_name, "Changes:\namount: 90") == (act.actor, act.comment)
    assert f"{office.approval(ref, ALEX.user_name)['sys_id']}:1" == act.id


async def test_comment_on_an_answer_that_did_not_count_is_not_read_again(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    alex = office.person(ALEX.user_name)
    alex.approve(ref.id, "Changes:\nnonsense", changes="nonsense")
    (first,) = await office.found(ref)
    await office.connector.ask_again(ref, first.act, "That is no change.", counted=False)
    emptied = office.approval(ref, ALEX.user_name)["u_requested_changes"]
    alex.approve(ref.id)
    (second,) = await office.found(ref)

    assert Verdict.MODIFY == getattr(first, "verdict", None)
    assert "" == emptied
    assert (Verdict.APPROVE, "", "") == (
        getattr(second, "verdict", None),
        second.act.comment,
        second.act.changes,
    )


async def test_changes_that_somebody_else_wrote_do_not_count(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    row = office.approval(ref, ALEX.user_name)
    changes = {"u_requested_changes": "amount: 1"}
    office.person(MALLORY.user_name, APPROVAL_ADMIN).edit(APPROVER, row["sys_id"], changes)
    office.person(ALEX.user_name).approve(ref.id)

    assert [
        "The changes to the arguments were last written by mallory.evil, who did not decide."
    ] == await reasons(office, ref)


async def test_record_that_we_closed_is_nobodys_answer(office: Office, orders: Orders) -> None:
    connector = office.use(close={"cancelled": {"state": "4"}})
    ref = await orders.ticket()
    await connector.close(ref, TicketOutcome.CANCELLED, "Called off.")

    assert "false" == office.snow.change(ref.id)["active"]
    assert () == (await office.seen(ref)).acts


async def test_record_that_somebody_closed_can_still_be_answered_once_it_is_asked_again(
    office: Office, orders: Orders
) -> None:
    ref = await orders.ticket()
    office.person(ALEX.user_name).move(ref.id, "4")
    (refused,) = await office.found(ref)
    await office.connector.ask_again(ref, refused.act, "It still waits.", counted=False)
    asking = await office.seen(ref)
    office.person(SAM.user_name).approve(ref.id)

    assert (ALEX.user_name, True) == (refused.act.actor, asking.awaiting)
    assert [(SAM.user_name, Verdict.APPROVE)] == await votes(office, ref)


async def test_deleted_approvals_leave_the_ticket_unanswerable_and_adopting_asks_again(
    office: Office, orders: Orders
) -> None:
    order = await orders.new()
    ref = await office.connector.open_ticket(order)
    for row in office.snow.approvals(ref.id):
        office.person("admin").delete(APPROVER, row["sys_id"])
    empty = await office.seen(ref)
    await office.connector.adopt(order, ref)

    assert (False, ()) == (empty.awaiting, empty.acts)
    assert (await office.seen(ref)).awaiting
