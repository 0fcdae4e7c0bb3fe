"""Signatures of what Slack sends: over the raw bytes, not older than five minutes.

Source: docs.slack.dev/authentication/verifying-requests-from-slack, as known in 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from countersign.approvals.errors import InvalidWebhookError

SIGNATURE, TIMESTAMP = "X-Slack-Signature", "X-Slack-Request-Timestamp"
WINDOW_S = 300.0
_LONGEST_STAMP = 12


def verify(
    secrets: Sequence[str], body: bytes, signature: str, timestamp: str, now: datetime
) -> None:
    """Raise InvalidWebhookError unless one of the secrets has signed it just now. Compares in
    constant time, and with all of them."""
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > _LONGEST_STAMP:
        raise InvalidWebhookError(f"{TIMESTAMP} is missing or no number.")
    if abs(now.timestamp() - int(timestamp)) > WINDOW_S:
        raise InvalidWebhookError("It was signed more than five minutes ago, or in the future.")
    given = signature.encode("utf-8", "replace")
    known = [_signature(secret, timestamp, body) for secret in secrets]
    if not any([hmac.compare_digest(given, each) for each in known]):
        raise InvalidWebhookError(f"{SIGNATURE} does not fit.")


def _signature(secret: str, timestamp: str, body: bytes) -> bytes:
    signed = b"v0:" + timestamp.encode() + b":" + body
    return b"v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
