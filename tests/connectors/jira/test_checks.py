"""Everything that a deployment can get wrong is found, and said with its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.models import Principal
from countersign.approvals.tickets import CheckResult
from countersign.sandbox._faults import Fault
from countersign.sandbox.jira.catalog import (
    APPROVED,
    APPROVERS,
    PENDING,
    REJECTED,
)
from countersign.sandbox.jira.people import ALEX, BOT
from tests.connectors.jira.site import MAPPED, SERVICE_PROJECT, JiraSite
from tests.contracts.orders import Orders
from tests.doubles.directory import BEN

APPROVE, BACK = "11", "51"


async def wrong(site: JiraSite, **more: Any) -> dict[str, str]:
    """What is found, with these settings."""
    results = await site.use(**more).check()
    return {result.name: result.said for result in results if not result.ok}


def known(account_id: str) -> Principal:
    """Ben, with this account."""
    return BEN.model_copy(update={"identities": {"jira": account_id}})


async def test_site_that_works_passes_and_says_what_was_seen(
    site: JiraSite, data_center: JiraSite, orders: Orders
) -> None:
    await orders.ticket()
    more: dict[str, Any] = {"statuses": MAPPED, "approver_field": APPROVERS}
    cloud = await site.use(**more, approvers=(known(ALEX.account_id),)).check()
    key = ALEX.user_key.lower()
    server = await data_center.use(**more, approvers=(known(key),)).check()

    assert [] == [result for result in (*cloud, *server) if not result.ok]
    assert [result.name for result in cloud] == [
        "credentials",
        "project",
        "permissions",
        "issue type",
        "statuses",
        "search",
        "transitions",
        "fields",
        "approver ben",
        "webhook secret",
    ]
    assert "Approvals Bot (712020:approvals-bot)" in said(cloud, "credentials")
    assert "pending: Pending; approved: Approved; rejected: Rejected" == said(cloud, "statuses")
    assert "Ben is Alex Wilber" == said(server, "approver ben")


def said(results: Any, name: str) -> str:
    """What one look found."""
    found: CheckResult = next(result for result in results if result.name == name)
    return found.said


async def test_service_project_passes(site: JiraSite, orders: Orders) -> None:
    site.use(**SERVICE_PROJECT)
    await orders.ticket()

    assert {} == await wrong(site, **SERVICE_PROJECT)


async def test_nothing_more_is_asked_without_a_sign_in(site: JiraSite) -> None:
    auth = {"kind": "basic", "email": BOT.email, "token": "wrong"}
    found = await wrong(site, auth=auth, webhook_secrets=())

    assert ["credentials", "webhook secret"] == list(found)
    assert "connectors.jira.auth" in found["credentials"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"project": "NONE"}, "project", "NONE"),
    ({"approval": "jsm", "approver_field": APPROVERS}, "project", "approval to status"),
    ({"issue_type": "Epic"}, "issue type", "there are: Task (10010)"),
    (
        {"statuses": {"pending": [PENDING], "approved": ["777"], "rejected": [REJECTED]}},
        "statuses",
        f"no status 777; it has: Pending = {PENDING}, Approved = {APPROVED}",
    ),
    ({"approver_field": "customfield_99999"}, "fields", "connectors.jira.approver_field"),
    ({"approver_field": "customfield_10041"}, "fields", "approver_field_multiple to false"),
    ({"changes_field": "customfield_99999"}, "fields", "connectors.jira.changes_field"),
    ({"approvers": (known("712020:nobody"),)}, "approver ben", "712020:nobody"),
    ({"approvers": (known(BOT.account_id),)}, "approver ben", "has our own account"),
    ({"webhook_secrets": ()}, "webhook secret", "docs/jira.md"),
]


@pytest.mark.parametrize(("more", "name", "remedy"), WRONG)
async def test_wrong_setting_is_found(
    site: JiraSite, more: dict[str, Any], name: str, remedy: str
) -> None:
    found = await wrong(site, **more)

    assert remedy in found[name]


async def test_missing_permission_is_named(site: JiraSite) -> None:
    site.jira.site.access.grant("bot", "OPS", {"BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS"})
    found = await wrong(site)

    assert "lacks: Edit issues, Assign issues, Transition issues." in found["permissions"]
    assert "Assign" not in (await wrong(site, assign=False))["permissions"]


async def test_required_field_without_a_value_is_named(site: JiraSite) -> None:
    site.jira.site.required_fields |= {"customfield_10060", "customfield_10061"}
    found = await wrong(site, fields={"customfield_10061": "x"})

    assert "new issues need: Cost centre (customfield_10060)." in found["issue type"]


async def test_workflow_that_leads_nowhere_shows_once_a_ticket_waits(
    site: JiraSite, orders: Orders
) -> None:
    site.jira.site.access.restrict_transition(APPROVE, {"alex"})
    before = await wrong(site)
    site.use()
    await orders.ticket()
    found = await wrong(site)

    assert {} == before
    assert "no status of approved" in found["transitions"]


async def test_approver_who_cannot_be_assigned_is_named_only_if_we_assign(site: JiraSite) -> None:
    site.use(approvers=(known(ALEX.account_id),))
    await site.connector.check()
    site.jira.faults.add(Fault(kind="error", status=404, path="assignable", times=1))
    found = {result.name: result.said for result in await site.connector.check() if not result.ok}

    assert ["approver ben"] == list(found)
    site.use(approvers=(known(ALEX.account_id),), assign=False)
    site.jira.faults.add(Fault(kind="error", status=404, path="assignable", times=1))
    assert [] == [result for result in await site.connector.check() if not result.ok]


async def test_answer_that_makes_no_sense_is_reported_and_not_raised(site: JiraSite) -> None:
    site.use()
    await site.connector.check()
    site.jira.faults.fail(500, path="/mypermissions")
    results = await site.connector.check()

    assert ["permissions"] == [result.name for result in results if not result.ok]
