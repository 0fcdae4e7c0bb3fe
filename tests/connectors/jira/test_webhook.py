"""A webhook is believed only with our signature, and then it names an issue and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from pydantic import SecretStr

from countersign.approvals.errors import InvalidWebhookError
from countersign.connectors.jira.connector import JiraConnector
from countersign.connectors.jira.webhook import hint, verify
from tests.connectors.jira.fixtures import fixture, settings

OLD, NEW = SecretStr("the old one"), SecretStr("It's a Secret to Everybody")
ABOUT_US = (
    "webhook_issue_moved",
    "webhook_issue_created",
    "webhook_issue_deleted",
    "webhook_comment_cloud",
    "webhook_comment_without_issue",
    "webhook_moved_data_center",
)


def signature(secret: SecretStr, body: bytes) -> str:
    """As the vendor signs."""
    mac = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256)
    return f"sha256={mac.hexdigest()}"


def test_signature_of_the_vendors_example_is_accepted() -> None:
    # developer.atlassian.com, "Webhooks", "Validating webhook deliveries" (read 2026-11-25).
    value = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"

    verify((NEW,), value, b"Hello World!")


def test_either_secret_is_accepted_while_one_replaces_the_other() -> None:
    for secret in (OLD, NEW):
        verify((OLD, NEW), signature(secret, b"{}"), b"{}")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha1=0000000000000000000000000000000000000000",
        f"sha256={'0' * 64}",
        "sha256=" + "\u0660" * 64,
        signature(SecretStr("another"), b"{}"),
        signature(NEW, b"{} "),
        signature(NEW, b"{}").removeprefix("sha256="),
    ],
)
def test_everything_else_is_refused(header: str) -> None:
    with pytest.raises(InvalidWebhookError):
        verify((OLD, NEW), header, b"{}")


@pytest.mark.parametrize(("header", "says"), [("", "has no"), ("sha256=00", "is not sha256=")])
def test_refusal_says_what_is_wrong_with_the_header(header: str, says: str) -> None:
    with pytest.raises(InvalidWebhookError, match=says):
        verify((OLD, NEW), header, b"{}")


def test_nothing_is_accepted_without_a_secret() -> None:
    empty = SecretStr("")

    with pytest.raises(InvalidWebhookError, match="webhook_secret"):
        verify((), signature(empty, b"{}"), b"{}")


async def test_body_is_not_even_parsed_before_it_is_verified() -> None:
    connector = JiraConnector(settings(webhook_secrets=(NEW,)))
    body = b'{"webhookEvent": "jira:issue_updated", "issue": {"id": "10101"}}'
    forged = {"X-Hub-Signature": signature(OLD, body)}
    right = {"X-HUB-SIGNATURE": signature(NEW, body), "X-Atlassian-Webhook-Identifier": "abc"}

    with pytest.raises(InvalidWebhookError):
        connector.verify_webhook(forged, body)
    found = connector.verify_webhook(right, body)
    await connector.close_client()

    assert found is not None
    assert ("10101", "abc") == (found.ticket_id, found.delivery_id)


@pytest.mark.parametrize("name", ABOUT_US)
def test_event_names_the_issue(name: str) -> None:
    found = hint({}, json.dumps(fixture(name)).encode())

    assert found is not None
    assert ("10101", "") == (found.ticket_id, found.delivery_id)


@pytest.mark.parametrize("name", ["webhook_issue_moved", "webhook_comment_cloud"])
def test_event_counts_whatever_project_the_issue_is_in(name: str) -> None:
    """People move issues; whether it is one of ours, its id tells."""
    said = fixture(name)
    said["issue"]["key"] = "HR-7"
    said["issue"].setdefault("fields", {})["project"] = {"id": "10044", "key": "HR"}
    found = hint({}, json.dumps(said).encode())

    assert found is not None
    assert said["issue"]["id"] == found.ticket_id


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        {"webhookEvent": "sprint_started", "issue": {"id": "10101"}},
        {"webhookEvent": "jira:issue_updated"},
        {"webhookEvent": ["jira:issue_updated"]},
        {"webhookEvent": "jira:issue_updated", "issue": {"id": "10101/../10102"}},
        {"webhookEvent": "comment_created", "comment": {"self": 7}},
        {"webhookEvent": "comment_created", "comment": {"self": "https://evil.example/issue/x"}},
    ],
)
def test_signed_nonsense_is_none_of_ours(said: Any) -> None:
    assert None is hint({}, json.dumps(said).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_signed_body_that_is_no_json_is_none_of_ours(body: bytes) -> None:
    assert None is hint({}, body)
