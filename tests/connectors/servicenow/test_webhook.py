from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from pydantic import SecretStr

from countersign.approvals.errors import InvalidWebhookError
from countersign.approvals.tickets import WebhookHint
from countersign.connectors.servicenow.webhook import verify
from tests.connectors.servicenow.fixtures import settings
from tests.doubles.clock import ManualClock

RECORD, ROW = "5f1c2d3e4a5b6c7d8e9f00112233aabb", "a1b2c3d4e5f60718293a4b5c6d7e8f90"
APPROVAL = {
    "table": "sysapproval_approver",
    "sys_id": ROW,
    "task": RECORD,
    "correlation_id": "R-7F3K2M9QXC4V.1.0",
    "state": "approved",
    "sys_updated_on": "2026-11-25 07:10:00",
}
CLOCK = ManualClock()
NOW = int(CLOCK.now().timestamp())


def heard(
    body: Any, *, secret: str = "old", at: object = NOW, **headers: str
) -> WebhookHint | None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = f"{at}.".encode() + raw
    mac = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    sent = {"X-Approval-Timestamp": str(at), "X-Approval-Signature": mac, **headers}
    known = settings(webhook_secrets=(SecretStr("new"), SecretStr("old")))
    return verify(known, CLOCK, sent, raw)


def test_delivery_about_an_approval_names_its_record() -> None:
    hint = heard(APPROVAL)

    assert hint == WebhookHint(ticket_id=RECORD, delivery_id=f"{ROW}:approved:2026-11-25 07:10:00")


def test_delivery_about_a_record_names_it() -> None:
    hint = heard({**APPROVAL, "table": "change_request", "sys_id": RECORD})

    assert hint is not None
    assert RECORD == hint.ticket_id


@pytest.mark.parametrize("secret", ["new", "old"])
def test_either_secret_is_good_while_one_replaces_the_other(secret: str) -> None:
    assert heard(APPROVAL, secret=secret) is not None


@pytest.mark.parametrize("secret", ["", "wrong", "New"])
def test_delivery_with_another_secret_is_refused(secret: str) -> None:
    with pytest.raises(InvalidWebhookError, match="not signed"):
        heard(APPROVAL, secret=secret)


@pytest.mark.parametrize("late_s", [-301, 301, 86_400])
def test_delivery_that_is_not_fresh_is_refused(late_s: int) -> None:
    with pytest.raises(InvalidWebhookError, match="five minutes"):
        heard(APPROVAL, at=NOW + late_s)


def test_old_delivery_cannot_be_made_fresh() -> None:
    with pytest.raises(InvalidWebhookError, match="not signed"):
        heard(APPROVAL, at=NOW - 3600, **{"X-Approval-Timestamp": str(NOW)})


@pytest.mark.parametrize("at", ["", "now", "1e9", "-5", "٣", "9" * 40])
def test_timestamp_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(InvalidWebhookError, match="timestamp"):
        heard(APPROVAL, at=at)


@pytest.mark.parametrize("signature", ["", "x", "ü", "=" * 44])
def test_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(InvalidWebhookError, match="not signed"):
        heard(APPROVAL, **{"X-Approval-Signature": signature})


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        [],
        "text",
        {},
        {**APPROVAL, "table": "incident"},
        {**APPROVAL, "task": ""},
        {**APPROVAL, "task": "../sys_user"},
        {**APPROVAL, "sys_id": {"value": 3}},
        {**APPROVAL, "table": ["sysapproval_approver"]},
    ],
)
def test_signed_nonsense_is_no_hint(body: Any) -> None:
    assert heard(body) is None
