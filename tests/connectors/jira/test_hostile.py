"""What people may write in a site, used to have something else approved than was shown or said."""

from __future__ import annotations

import traceback

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.connectors.jira import client
from countersign.sandbox.jira import rest_search
from countersign.sandbox.jira.catalog import (
    APPROVED,
    PENDING,
    REJECTED,
    REQUESTED_CHANGES,
)
from countersign.testing.suites.ticket_system import Who
from tests.connectors.jira.site import SERVICE_PROJECT, JiraSite
from tests.contracts.orders import Orders


async def test_approval_that_was_reopened_by_another_and_then_rejected_is_no_approval(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    site.jira.as_person("megan").transition(ref.key, PENDING)
    site.jira.as_person("alex").transition(ref.key, REJECTED)

    assert ["Whoever set it took it back at once.", "reject"] == await site.said(ref)


async def test_approval_that_only_others_took_back_still_counts(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    site.jira.as_person("megan").transition(ref.key, PENDING)

    assert ["approve"] == await site.said(ref)


async def test_changes_that_somebody_took_away_are_not_approved_as_if_there_were_none(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
    site.jira.as_person("megan").edit(ref.key, {REQUESTED_CHANGES: ""})
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    (reason,) = await site.said(ref)

    assert "last written by Megan Bowen, who did not decide" in reason


async def test_changes_that_were_taken_away_are_forgotten_once_it_is_asked_again(
    site: JiraSite, orders: Orders
) -> None:
    ref = await orders.ticket()
    site.jira.as_person("alex").edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
    site.jira.as_person("megan").edit(ref.key, {REQUESTED_CHANGES: ""})
    site.jira.as_person("alex").transition(ref.key, APPROVED)
    (act,) = (await site.seen(ref)).acts
    await site.connector.ask_again(ref, act, "Please decide again.", counted=False)
    site.jira.as_person("alex").transition(ref.key, APPROVED)

    assert "approve" == (await site.said(ref))[-1]


async def test_changes_of_the_first_of_two_approvers_are_read(
    site: JiraSite, orders: Orders
) -> None:
    site.use(**SERVICE_PROJECT)
    site.jira.site.approvals_needed = 2
    ref = await orders.ticket()
    site.jira.as_person("alex").edit(ref.key, {REQUESTED_CHANGES: "amount: 90"})
    site.jira.as_person("alex").approve(ref.key)

    assert ["modify"] == await site.said(ref)


@pytest.mark.parametrize("second", [False, True], ids=["one of two", "both"])
async def test_answer_of_several_to_a_text_that_was_changed_back_since_does_not_count(
    site: JiraSite, orders: Orders, second: bool
) -> None:
    site.use(**SERVICE_PROJECT)
    site.jira.site.approvals_needed = 2
    ref = await orders.ticket()
    ours = site.jira.issue(ref.key)["fields"]["description"]
    await site.edit_text(ref, Who.ERIN, "Free cake")
    site.jira.as_person("alex").approve(ref.key)
    site.jira.as_person("megan").edit(ref.key, {"description": ours})
    if second:
        site.jira.as_person("sam").approve(ref.key)
    reasons = await site.said(ref)

    assert 1 + second == len(reasons)
    assert all("was changed by Megan Bowen" in reason for reason in reasons)


async def test_search_that_goes_round_in_circles_ends(
    site: JiraSite, orders: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await orders.ticket()
    token = rest_search._token
    monkeypatch.setattr(client, "PAGE", 1)
    monkeypatch.setattr(rest_search, "_token", lambda start, text: token(1, text))
    with pytest.raises(UnavailableError, match="again and again"):
        await site.poll()


async def test_answers_of_the_site_are_in_no_traceback(site: JiraSite, orders: Orders) -> None:
    ref = await orders.ticket()
    site.jira.faults.fail(403)
    with pytest.raises(UnavailableError) as caught:
        await site.seen(ref)
    text = "".join(traceback.format_exception(caught.value))

    assert "response headers" not in text
    assert "response text" not in text
