"""Deliveries of Asana's webhooks: signed, and no more than hints; and the first one of them.

A webhook is made while Asana waits for its first delivery to be answered with the secret that it
brings; whoever makes it is given the secret, too, and puts it into our settings. Answering keeps
nothing and believes nothing, so anybody may ask for it. Sources, read 2026-11-30:
developers.asana.com, "Webhooks" and "Establish a webhook".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from countersign.approvals.errors import InvalidWebhookError
from countersign.approvals.tickets import WebhookHint
from countersign.connectors.asana.api import tasks_in
from countersign.connectors.asana.settings import AsanaSettings

SECRET, SIGNATURE = "x-hook-secret", "x-hook-signature"
TASKS_MOST = 200
"""Of one delivery; what is beyond is found by the next poll."""
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")


def greeting(headers: Mapping[str, str]) -> Mapping[str, str] | None:
    """What the first delivery of a webhook is answered with; None if this is none."""
    given = {name.lower(): value for name, value in headers.items()}
    secret = given.get(SECRET, "")
    if SIGNATURE in given or not _SECRET.fullmatch(secret):
        return None
    return {"X-Hook-Secret": secret}


def verify(settings: AsanaSettings, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
    """Check `X-Hook-Signature`: HMAC-SHA256 over the raw body in hex, with every secret.

    None for a heartbeat, which has no events, and for what is about no task. Raises
    InvalidWebhookError. Compares in constant time.
    """
    if not settings.webhook_secrets:
        raise InvalidWebhookError(
            "No secret is set for Asana webhooks (connectors.asana.webhook_secret_env)."
        )
    given = {name.lower(): value for name, value in headers.items()}
    claimed = given.get(SIGNATURE, "").strip().lower().encode("utf-8", "replace")
    matches = [
        hmac.compare_digest(claimed, signature(secret.get_secret_value(), body).encode())
        for secret in settings.webhook_secrets
    ]
    if not any(matches):
        raise InvalidWebhookError("The Asana webhook is not signed with our secret.")
    tasks = tasks_in(_events(body))[:TASKS_MOST]
    if not tasks:
        return None
    first, *others = tasks
    delivery = hashlib.sha256(body).hexdigest()[:32]
    return WebhookHint(ticket_id=first, also=tuple(others), delivery_id=delivery)


def signature(secret: str, body: bytes) -> str:
    """What Asana puts into `X-Hook-Signature`."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _events(body: bytes) -> Any:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said.get("events") if isinstance(said, dict) else None
