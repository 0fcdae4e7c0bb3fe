"""What is set up wrongly is said in the words of the setting."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from countersign.approvals.models import Verdict
from countersign.approvals.tickets import TicketOutcome
from countersign.connectors.jira.settings import JiraSettings
from tests.connectors.jira.fixtures import CLOUD_AUTH, STATUSES, settings

OAUTH = {"kind": "oauth", "token": "x", "cloud_id": "11111111-2222-3333-4444-555555555555"}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://jira.example.com"}, "must be https"),
    ({"url": "example.atlassian.net"}, "must be like https://"),
    ({"url": "https://me:pass@example.atlassian.net"}, "address of the site only"),
    ({"statuses": {**STATUSES, "approved": ["Approved"]}}, "not the id of a status"),
    ({"statuses": {**STATUSES, "pending": [True]}}, "not the id of a status"),
    ({"statuses": {**STATUSES, "rejected": [10002]}}, "stands there twice"),
    ({"statuses": {**STATUSES, "closed": 10002}}, "means something else"),
    ({"statuses": {**STATUSES, "pending": []}}, "at least 1 item"),
    ({"auth": {"kind": "pat", "token": "x"}}, "auth.kind must be basic or oauth"),
    ({"deployment": "datacenter"}, "auth.kind must be pat or password"),
    ({"auth": {**OAUTH, "cloud_id": "../../evil"}}, "String should match pattern"),
    ({"approval": "jsm"}, "approver_field: required"),
    ({"approver_field": "Approvers"}, "String should match pattern"),
    ({"changes_field": "description"}, "String should match pattern"),
    ({"fields": {"summary": "Mine"}}, "summary cannot be set here"),
    ({"fields": {"status": {"id": "1"}}}, "status cannot be set here"),
    ({"fields": {"customfield_10050": "x"}}, "is written by us"),
    ({"label": "with space"}, "String should match pattern"),
    ({"project": 'OPS" OR project = "X'}, "String should match pattern"),
    ({"webhook_secrets": (" ",)}, "anybody could sign"),
    ({"statusses": {}}, "Extra inputs"),
    ({"settle": "60s"}, "settle is called index_lag now"),
]


@pytest.mark.parametrize(("more", "said"), WRONG)
def test_wrong_setting_is_refused_with_the_reason(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**more)


def test_ids_may_be_written_as_numbers() -> None:
    found = settings(issue_type=10010, statuses={**STATUSES, "closed": 10005})

    assert ("10010", ("10001",), "10005") == (
        found.issue_type,
        found.statuses.pending,
        found.statuses.closed,
    )


def test_secrets_are_not_shown() -> None:
    shown = repr(settings(webhook_secrets=("hush",)))

    assert "t0ken" not in shown
    assert "hush" not in shown


def test_each_status_has_one_meaning_and_others_have_none() -> None:
    found = settings(statuses={**STATUSES, "changes": [10004]}).statuses
    meant = {status: found.verdict(status) for status in ("10001", "10002", "10003", "10004", "7")}

    assert meant == {
        "10001": None,
        "10002": Verdict.APPROVE,
        "10003": Verdict.REJECT,
        "10004": Verdict.MODIFY,
        "7": None,
    }


def test_ticket_without_a_status_for_its_end_goes_to_the_rejected_one() -> None:
    found = settings().statuses

    assert ("10003",) == found.of(TicketOutcome.EXPIRED)
    assert ("10002",) == found.of(TicketOutcome.FAILED)


def test_oauth_calls_go_through_the_gateway_of_the_vendor() -> None:
    found = settings(auth=OAUTH)

    assert f"https://api.atlassian.com/ex/jira/{OAUTH['cloud_id']}" == found.api_url
    assert "https://example.atlassian.net" == found.url


@pytest.mark.parametrize(
    ("deployment", "auth"),
    [
        ("cloud", CLOUD_AUTH),
        ("cloud", OAUTH),
        ("datacenter", {"kind": "pat", "token": "x"}),
        ("datacenter", {"kind": "password", "user": "bot", "password": "x"}),
    ],
)
def test_each_way_to_sign_in_fits_its_deployment(deployment: str, auth: dict[str, str]) -> None:
    found = settings(deployment=deployment, auth=auth, url="https://jira.example.com/jira/")

    assert isinstance(found, JiraSettings)
    assert "https://jira.example.com/jira" == found.url
