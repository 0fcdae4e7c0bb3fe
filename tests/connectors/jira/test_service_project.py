"""Jira Service Management: people answer an approval, and the approval says who and what."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from countersign.approvals.errors import UnavailableError
from countersign.approvals.tickets import TicketOutcome
from countersign.sandbox.jira.catalog import (
    APPROVERS,
    CANCELED,
    IN_PROGRESS,
    REQUESTED_CHANGES,
)
from countersign.sandbox.jira.refusals import JiraError
from countersign.testing.suites.ticket_system import Who
from tests.connectors.jira.site import SERVICE_PROJECT, JiraSite
from tests.contracts.orders import Orders


@pytest_asyncio.fixture
async def desk(site: JiraSite) -> AsyncIterator[JiraSite]:
    """The site, with the connector on its service project."""
    site.use(**SERVICE_PROJECT)
    yield site


async def test_answer_of_an_approver_is_a_vote(desk: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    waiting = await desk.seen(ref)
    desk.jira.as_person("alex").comment(ref.key, "Fine.")
    desk.jira.as_person("alex").approve(ref.key)
    (vote,) = await desk.found(ref)

    assert (True, ()) == (waiting.awaiting, waiting.acts)
    assert [desk.people[Who.BEN], desk.people[Who.CARA]] == [
        person["accountId"] for person in desk.jira.issue(ref.key)["fields"][APPROVERS]
    ]
    assert ["approve"] == await desk.said(ref)
    assert (desk.people[Who.BEN], "Fine.") == (vote.act.actor, vote.act.comment)
    assert not (await desk.seen(ref)).awaiting


async def test_decline_is_a_rejection(desk: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    desk.jira.as_person("sam").decline(ref.key)

    assert ["reject"] == await desk.said(ref)


async def test_each_of_several_answers_is_seen(desk: JiraSite, orders: Orders) -> None:
    desk.jira.site.approvals_needed = 2
    ref = await orders.ticket()
    desk.jira.as_person("alex").approve(ref.key)
    first = (await desk.seen(ref)).acts
    desk.jira.as_person("sam").approve(ref.key)
    both = (await desk.seen(ref)).acts

    assert [desk.people[Who.BEN]] == [act.actor for act in first]
    assert [desk.people[Who.BEN], desk.people[Who.CARA]] == [act.actor for act in both]
    assert first[0].id == both[0].id


async def test_moving_the_request_by_hand_is_no_answer(desk: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    desk.jira.as_person("megan").transition(ref.key, CANCELED)
    (reason,) = await desk.said(ref)

    assert "moved by hand" in reason
    assert not (await desk.seen(ref)).awaiting


async def test_answer_while_the_text_was_another_does_not_count(
    desk: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    await desk.edit_text(ref, Who.ERIN, "Free cake")
    desk.jira.as_person("alex").approve(ref.key)
    (reason,) = await desk.said(ref)

    assert "was changed by Megan Bowen" in reason


async def test_changes_in_the_field_make_it_an_approval_with_changes(
    desk: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    desk.jira.as_person("alex").edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
    desk.jira.as_person("alex").approve(ref.key)

    assert ["modify"] == await desk.said(ref)


async def test_declined_request_is_asked_again_in_a_new_approval(
    desk: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    desk.jira.as_person("alex").decline(ref.key)
    (act,) = (await desk.seen(ref)).acts
    await desk.connector.ask_again(ref, act, "It does not count.", counted=False)
    asked = await desk.seen(ref)
    desk.jira.as_person("sam").approve(ref.key)
    await desk.connector.ask_again(ref, act, "It does not count.", counted=False)

    assert (True, "Waiting for approval") == (asked.awaiting, asked.state_name)
    assert ["reject", "approve"] == await desk.said(ref)
    assert IN_PROGRESS == desk.status(ref)


async def test_approved_request_can_only_be_told(desk: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    desk.jira.as_person("alex").approve(ref.key)
    (act,) = (await desk.seen(ref)).acts
    await desk.connector.ask_again(ref, act, "It does not count.", counted=False)

    assert IN_PROGRESS == desk.status(ref)
    assert 1 == len(await desk.comments(ref))


async def test_expired_request_is_cancelled(desk: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    await desk.connector.close(ref, TicketOutcome.EXPIRED, "Nobody decided in time.")

    assert CANCELED == desk.status(ref)
    assert ["The account that opens these tickets cannot decide them."] == await desk.said(ref)


async def test_poll_asks_for_approvals_of_changed_requests_only(
    desk: JiraSite, orders: Orders
) -> None:
    refs = [await orders.ticket() for _ in range(4)]
    first = await desk.poll()
    desk.jira.as_person("alex").approve(refs[0].key)
    desk.jira.forget_requests()
    page = await desk.poll(first.cursor)
    acts = {seen.ref.id: len(seen.acts) for seen in page.observations}

    assert {refs[0].id: 1, refs[1].id: 0, refs[2].id: 0, refs[3].id: 0} == acts
    assert 1 == desk.jira.calls("GET", "/approval")


async def test_request_whose_approvals_cannot_be_read_is_neither_answered_nor_refused(
    desk: JiraSite, orders: Orders
) -> None:
    refs = [await orders.ticket() for _ in range(2)]
    desk.jira.as_person("alex").approve(refs[0].key)
    desk.jira.faults.fail(404, path=f"request/{refs[0].id}/approval$", times=2)
    page = await desk.poll()

    assert [refs[1].id] == [seen.ref.id for seen in page.observations]
    with pytest.raises(UnavailableError):
        await desk.connector.fetch_one(refs[0])
    assert ["approve"] == await desk.said(refs[0])


@pytest.mark.parametrize("who", ["mallory", "bot"])
async def test_stranger_cannot_answer_in_the_first_place(
    desk: JiraSite, orders: Orders, who: str
) -> None:
    ref = await orders.ticket()
    with pytest.raises(JiraError, match="not one of its approvers"):
        desk.jira.as_person(who).approve(ref.key)

    assert [] == await desk.said(ref)
