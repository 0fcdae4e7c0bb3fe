"""What Zendesk's API shows, in its own shapes.

Sources: answers of Zendesk that are recorded with its own client
(github.com/zendesk/zendesk_api_client_rb, spec/fixtures/cassettes/ZendeskAPI_Ticket/update.json at
327ba177, read 2026-12-01) for tickets and audits; developer.zendesk.com, "Side-loading related
records" (`include=users`), "Ticket Comments", "Search articles".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Shape = dict[str, Any]
PER_PAGE = 100
"""The most that one answer has of a list."""
VIA: Shape = {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}}


def ticket(row: Mapping[str, Any], first: Mapping[str, Any], url: str, requester: int) -> Shape:
    """A ticket; `first` is its first comment. Who asks is a number: see `users`."""
    return {
        "url": f"{url}/api/v2/tickets/{row['id']}.json",
        "id": row["id"],
        "external_id": None,
        "via": VIA,
        "created_at": first["created_at"],
        "updated_at": row["updated_at"],
        "type": "question",
        "subject": row["subject"],
        "description": first["body"],
        "priority": "normal",
        "status": row["status"],
        "recipient": None,
        "requester_id": requester,
        "submitter_id": requester,
        "assignee_id": None,
        "organization_id": None,
        "group_id": None,
        "collaborator_ids": [],
        "has_incidents": False,
        "problem_id": None,
        "due_at": None,
        "tags": row["tags"],
        "custom_fields": [],
        "satisfaction_rating": None,
        "fields": [],
    }


def user(row: Mapping[str, Any], url: str) -> Shape:
    """Somebody."""
    return {"url": f"{url}/api/v2/users/{row['id']}.json", **row, "active": True}


def comment(row: Mapping[str, Any], author: int) -> Shape:
    """What was said."""
    return {
        "id": row["id"],
        "type": "Comment",
        "author_id": author,
        "body": row["body"],
        "html_body": f'<div class="zd-comment">{escape(row["body"])}</div>',
        "plain_body": row["body"],
        "public": row["public"],
        "attachments": [],
        "audit_id": row["id"],
        "via": VIA,
        "created_at": row["created_at"],
        "metadata": {"system": {}, "custom": {}},
    }


def audit(row: Mapping[str, Any], author: int) -> Shape:
    """The change by which something was said."""
    event = {"id": row["id"], "type": "Comment", "body": row["body"], "public": row["public"]}
    return {
        "id": row["id"],
        "ticket_id": row["ticket"],
        "created_at": row["created_at"],
        "author_id": author,
        "via": VIA,
        "metadata": {"system": {"client": "sandbox"}, "custom": row["metadata"]},
        "events": [event],
    }


def article(row: Mapping[str, Any], url: str) -> Shape:
    """An article of the help center; its body is HTML."""
    return {
        "id": row["id"],
        "url": f"{url}/api/v2/help_center/en-us/articles/{row['id']}.json",
        "html_url": f"{url}/hc/en-us/articles/{row['id']}",
        "title": row["title"],
        "name": row["title"],
        "locale": "en-us",
        "draft": False,
        "body": f"<p>{escape(row['body'])}</p>",
        "snippet": escape(row["body"][:80]),
        "result_type": "article",
    }


def paged(name: str, found: Sequence[Shape], query: Mapping[str, str], url: str) -> Shape:
    """One page of a list (`page`, `per_page`, at most 100), and where the next one is."""
    number = max(int(query.get("page", "1")), 1)
    size = min(max(int(query.get("per_page", str(PER_PAGE))), 1), PER_PAGE)
    start = (number - 1) * size

    def at(page: int) -> str:
        return f"{url}?page={page}&per_page={size}"

    return {
        name: list(found[start : start + size]),
        "count": len(found),
        "next_page": at(number + 1) if start + size < len(found) else None,
        "previous_page": at(number - 1) if number > 1 else None,
    }
