"""What is written into an issue later is written once, and workflows may stand in the way of it."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from countersign.approvals.errors import UnansweredError
from countersign.approvals.tickets import TicketOutcome
from countersign.connectors.jira.text import remark
from countersign.sandbox._faults import Fault
from countersign.sandbox.jira.catalog import (
    APPROVED,
    CHANGES,
    CLOSED,
    PENDING,
    REJECTED,
)
from countersign.testing.suites.ticket_system import Who
from tests.connectors.jira.site import MAPPED, JiraSite
from tests.contracts.orders import Orders

ENDS = {
    TicketOutcome.APPROVED: APPROVED,
    TicketOutcome.EXECUTED: APPROVED,
    TicketOutcome.FAILED: APPROVED,
    TicketOutcome.IN_DOUBT: APPROVED,
    TicketOutcome.REJECTED: REJECTED,
    TicketOutcome.EXPIRED: CLOSED,
    TicketOutcome.CANCELLED: CLOSED,
    TicketOutcome.SUPERSEDED: CLOSED,
    TicketOutcome.DUPLICATE: CLOSED,
    TicketOutcome.MIXED: CLOSED,
}
BACK = "51"
"""The transition to Pending."""


@pytest.mark.parametrize("outcome", list(TicketOutcome))
async def test_ticket_ends_where_its_outcome_belongs(
    site: JiraSite, orders: Orders, outcome: TicketOutcome
) -> None:
    ref = await orders.ticket()
    await site.connector.close(ref, outcome, "So it ended.")
    once = len(site.calls())
    await site.connector.close(ref, outcome, "So it ended.")
    writes = [method for method, _ in site.calls()[once:] if method != "GET"]

    assert ENDS[outcome] == site.status(ref)
    assert "agent-approval-closed" in site.labels(ref)
    assert [] == writes


async def test_ticket_that_people_have_moved_on_is_left_there(
    site: JiraSite, orders: Orders
) -> None:
    site.use(statuses={"pending": [PENDING], "approved": [APPROVED], "rejected": [REJECTED]})
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    site.jira.as_person("alex").transition(ref.key, CLOSED)
    with capture_logs() as logs:
        await site.connector.close(ref, TicketOutcome.EXECUTED, "Done.")

    assert CLOSED == site.status(ref)
    assert [] == logs


async def test_workflow_without_a_way_back_gets_the_comment_and_a_line_in_the_log(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    await site.approve(ref, Who.STRANGER)
    (act,) = (await site.seen(ref)).acts
    site.jira.site.access.restrict_transition(BACK, {"alex"})
    with capture_logs() as logs:
        await site.connector.ask_again(ref, act, "It does not count.", counted=False)

    assert APPROVED == site.status(ref)
    assert ["It does not count."] == [c.partition("\n")[0] for c in await site.comments(ref)]
    assert [(ref.key, [PENDING])] == [(entry["ticket"], entry["to"]) for entry in logs]


async def test_issue_that_nobody_may_edit_is_closed_as_far_as_it_goes(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.site.access.grant(
        "bot", "OPS", {"BROWSE_PROJECTS", "ADD_COMMENTS", "TRANSITION_ISSUES"}
    )
    with capture_logs() as logs:
        await site.connector.close(ref, TicketOutcome.EXPIRED, "Nobody decided in time.")

    assert CLOSED == site.status(ref)
    assert "agent-approval-open" in site.labels(ref)
    assert ["ticket not updated"] == [entry["event"] for entry in logs]


async def test_late_word_about_an_old_answer_leaves_the_new_one_standing(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    await site.approve(ref, Who.STRANGER)
    (act,) = (await site.seen(ref)).acts
    await site.reopen(ref, Who.ERIN)
    await site.approve(ref, Who.BEN)
    await site.connector.ask_again(ref, act, "It does not count.", counted=False)

    assert APPROVED == site.status(ref)
    assert 1 == len(await site.comments(ref))


async def test_ticket_is_put_back_before_it_is_said_why(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    await site.approve(ref, Who.STRANGER)
    (act,) = (await site.seen(ref)).acts
    site.jira.forget_requests()
    await site.connector.ask_again(ref, act, "It does not count.", counted=False)
    written = [path.rpartition("/")[2] for method, path in site.calls() if method == "POST"]

    assert ["transitions", "comment"] == written


async def test_transition_is_chosen_by_where_it_leads(site: JiraSite, orders: Orders) -> None:
    site.use(statuses={**MAPPED, "pending": [CHANGES], "changes": []})
    ref = await orders.ticket()
    await site.connector.close(ref, TicketOutcome.REJECTED, "")
    sent = [r.body for r in site.jira.requests if r.path.endswith("transitions")]

    assert [{"transition": {"id": "21"}}] == sent


async def test_mark_in_a_comment_of_somebody_else_does_not_silence_us(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    body, mark = remark("Please look.", ref.id, "k1")
    site.jira.as_person("mallory").comment(ref.key, f"Nothing to see here.\n{mark}")
    await site.connector.comment(ref, "Please look.", key="k1")

    assert body == (await site.comments(ref))[-1]


async def test_comment_that_many_others_have_buried_is_not_made_again(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    await site.connector.comment(ref, "Please look.", key="k1")
    for number in range(250):
        site.jira.as_person("alex").comment(ref.key, f"No. {number}")
    await site.connector.comment(ref, "Please look.", key="k1")

    assert 251 == len(await site.comments(ref))


@pytest.mark.parametrize("step", ["comment", "transitions"])
async def test_each_step_of_closing_can_be_lost_and_done_again(
    site: JiraSite, orders: Orders, step: str
) -> None:
    ref = await orders.ticket()
    site.jira.faults.add(Fault(kind="reset_after", method="POST", path=f"{step}$"))
    with pytest.raises(UnansweredError):
        await site.connector.close(ref, TicketOutcome.EXPIRED, "Nobody decided in time.")
    await site.connector.close(ref, TicketOutcome.EXPIRED, "Nobody decided in time.")

    assert CLOSED == site.status(ref)
    assert 1 == len(await site.comments(ref))
