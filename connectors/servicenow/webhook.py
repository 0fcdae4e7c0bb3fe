"""Deliveries of the business rule in docs/servicenow.md: signed, fresh, and no more than a hint.

The instance signs nothing by itself; the rule computes the MAC with `GlideCertificateEncryption`,
which gives it in base64. Source: ServiceNow community thread 1119034, read 2026-11-25.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from countersign.approvals.errors import InvalidWebhookError
from countersign.approvals.ports import Clock
from countersign.approvals.tickets import WebhookHint
from countersign.connectors.servicenow import wire
from countersign.connectors.servicenow.settings import ServiceNowSettings

TIMESTAMP, SIGNATURE = "x-approval-timestamp", "x-approval-signature"
FRESH_S = 300
"""How far the sender's clock and the way to us may put a delivery off."""


def verify(
    settings: ServiceNowSettings, clock: Clock, headers: Mapping[str, str], body: bytes
) -> WebhookHint | None:
    """Check `X-Approval-Signature`: base64 of HMAC-SHA256 over `X-Approval-Timestamp`, a point
    and the raw body; the timestamp is Unix time in whole seconds.

    Raises InvalidWebhookError. Compares in constant time, with every secret.
    """
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = given.get(TIMESTAMP, "")
    _require_signed(settings, timestamp, given.get(SIGNATURE, ""), body)
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise InvalidWebhookError("The ServiceNow webhook has no timestamp that can be read.")
    if abs(clock.now().timestamp() - int(timestamp)) > FRESH_S:
        raise InvalidWebhookError(
            "The ServiceNow webhook is more than five minutes old, or the clocks differ."
        )
    return _hint(settings, body)


def _require_signed(
    settings: ServiceNowSettings, timestamp: str, signature: str, body: bytes
) -> None:
    if not settings.webhook_secrets:
        raise InvalidWebhookError(
            "No secret is set for ServiceNow webhooks (connectors.servicenow.webhook_secret_env)."
        )
    signed = timestamp.encode("utf-8", "replace") + b"." + body
    claimed = signature.strip().encode("utf-8", "replace")
    matches = [
        hmac.compare_digest(claimed, base64.b64encode(_mac(secret.get_secret_value(), signed)))
        for secret in settings.webhook_secrets
    ]
    if not any(matches):
        raise InvalidWebhookError("The ServiceNow webhook is not signed with our secret.")


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def _hint(settings: ServiceNowSettings, body: bytes) -> WebhookHint | None:
    """The record that it is about: for an approval the one in `task`."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    own = {wire.APPROVALS: "task", settings.table: "sys_id"}
    column = own.get(wire.text(said, "table"))
    record = None if column is None else wire.sys_id(said, column)
    row = wire.sys_id(said)
    if record is None or row is None:
        return None
    # The same change has the same id, however often it is told.
    at, state = wire.text(said, "sys_updated_on"), wire.text(said, "state")
    return WebhookHint(ticket_id=record, delivery_id=f"{row}:{state}:{at}"[:200])
