"""Standard Webhooks signatures, both ways, with all the secrets that hold at the moment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook

from countersign.connectors.webhook.settings import CallerSettings

ID, AT, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def signed(keys: Iterable[bytes], message_id: str, at: datetime, payload: str) -> dict[str, str]:
    """The headers of a message, with one signature for each key. `at` is in UTC: standardwebhooks
    1.1.0 takes the wall time of any other zone for UTC."""
    signatures = [Webhook(key).sign(message_id, at, payload) for key in keys]
    return {ID: message_id, AT: str(int(at.timestamp())), SIGNATURE: " ".join(signatures)}


def caller_of(
    callers: Sequence[CallerSettings], headers: Mapping[str, str], payload: bytes
) -> CallerSettings | None:
    """Who has signed it within the last five minutes; None if nobody of them has."""
    given = {name: headers.get(name, "") for name in (ID, AT, SIGNATURE)}
    for caller in callers:
        if any(_holds(key, given, payload) for key in caller.keys):
            return caller
    return None


def _holds(key: bytes, headers: dict[str, str], payload: bytes) -> bool:
    try:
        Webhook(key).verify(payload, headers, json_parse=False)
    except Exception:  # it raises what split, b64decode and decode raise, too: no signature then
        return False
    return True


def written(body: object) -> str:
    """A body as it is signed and sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
