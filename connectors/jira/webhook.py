"""Webhooks of a site: who sent it, and which issue it is about. It decides nothing else.

Cloud and Data Center (10.0 and later) sign the raw body of admin webhooks that have a secret:
`X-Hub-Signature: sha256=<64 hex>`, and Cloud names each delivery in
`X-Atlassian-Webhook-Identifier`, the same when it is repeated. Webhooks that apps register are not
signed. Comment events carry no `user`, and on Data Center no `issue`. Source:
developer.atlassian.com/cloud/jira/platform/webhooks and confluence.atlassian.com, "Managing
webhooks", read 2026-11-25; recordings in mattermost-plugin-jira and zulip.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from countersign.approvals.errors import InvalidWebhookError
from countersign.approvals.tickets import WebhookHint
from countersign.connectors.jira.wire import MalformedError, number

SIGNATURE, DELIVERY = "x-hub-signature", "x-atlassian-webhook-identifier"
EVENTS = frozenset(
    {
        "jira:issue_created",
        "jira:issue_updated",
        "jira:issue_deleted",
        "comment_created",
        "comment_updated",
        "comment_deleted",
    }
)
_HEADER = re.compile(r"sha256=([0-9a-fA-F]{64})")
_COMMENT = re.compile(r"/issue/(\d{1,19})/comment/", re.ASCII)


def verify(secrets: Sequence[SecretStr], signature: str, body: bytes) -> None:
    """Raise InvalidWebhookError unless the body is signed with one of the secrets.

    Every secret is tried, in constant time.
    """
    if not secrets:
        raise InvalidWebhookError(
            "connectors.jira has no webhook_secret, so no webhook can be believed."
        )
    given = _HEADER.fullmatch(signature.strip())
    if given is None:
        if signature.strip():
            raise InvalidWebhookError("The webhook's X-Hub-Signature is not sha256= and 64 digits.")
        raise InvalidWebhookError("The webhook has no X-Hub-Signature; give it a secret in Jira.")
    right = [
        hmac.compare_digest(_mac(secret, body), given[1].lower().encode()) for secret in secrets
    ]
    if not any(right):
        raise InvalidWebhookError("The webhook is signed with another secret than ours.")


def hint(headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
    """The issue that a verified delivery is about, whatever its project; None if it names none.

    Whether it is one of ours, its id tells: people move issues to other projects.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or str(said.get("webhookEvent")) not in EVENTS:
        return None
    about = said.get("issue")
    issue: dict[str, Any] = about if isinstance(about, dict) else {}
    try:
        issue_id = number(issue["id"]) if "id" in issue else _of_comment(said.get("comment"))
    except MalformedError:
        return None
    if issue_id is None:
        return None
    return WebhookHint(ticket_id=issue_id, delivery_id=headers.get(DELIVERY, "")[:200])


def _mac(secret: SecretStr, body: bytes) -> bytes:
    key = secret.get_secret_value().encode()
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()


def _of_comment(comment: Any) -> str | None:
    address = comment.get("self") if isinstance(comment, dict) else None
    found = _COMMENT.search(address) if isinstance(address, str) else None
    return found[1] if found else None
