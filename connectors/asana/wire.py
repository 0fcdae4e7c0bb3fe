"""Tasks and their stories as the API gives them: untrusted JSON in, values out, nothing trusted.

Sources, read 2026-11-30: developers.asana.com, "Tasks" (`approval_status` is kept in step with
`completed`: approved, rejected and changes_requested are complete) and "Stories".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from countersign.approvals.models import Value
from countersign.approvals.tickets import text_sha256

APPROVAL, PLAIN = "approval", "default_task"
PENDING, APPROVED, REJECTED, CHANGES = "pending", "approved", "rejected", "changes_requested"
ANSWERS = (APPROVED, REJECTED, CHANGES)
CLOSED = "closed "
"""Before the key of an order, in a task that needs no answer any more."""
TASK_FIELDS = (
    "name",
    "notes",
    "resource_subtype",
    "approval_status",
    "completed",
    "completed_at",
    "completed_by.name",
    "created_at",
    "created_by.gid",
    "permalink_url",
    "assignee.gid",
    "followers.gid",
    "custom_fields.text_value",
)
STORY_FIELDS = (
    "created_at",
    "created_by.name",
    "resource_subtype",
    "text",
    "is_edited",
    "new_approval_status",
    "custom_field.gid",
    "new_text_value",
)
NEVER = datetime.min.replace(tzinfo=UTC)


class Who(Value):
    """An account; None if Asana does not say, as of somebody who is not there any more."""

    gid: str | None = None
    name: str = ""

    @property
    def called(self) -> str:
        """As people call it."""
        return self.name or self.gid or "somebody"


class Story(Value):
    """One entry of a task's history: a comment, or something that somebody changed."""

    gid: str
    at: datetime
    by: Who
    kind: str
    text: str = ""
    edited: bool = False
    status: str = ""
    """What the approval was set to; empty if it is not about that."""
    field: str = ""
    """The custom field that was changed."""
    value: str = ""
    """The text that stands in it since."""


class Task(Value):
    """A task as it is now."""

    gid: str
    name: str
    notes: str
    url: str
    kind: str
    status: str
    """Of its approval; empty if it is none."""
    completed: bool
    completed_at: datetime | None
    completed_by: Who
    created_at: datetime
    created_by: str | None
    people: frozenset[str]
    """Whom it is assigned to, and who follows it."""
    texts: Mapping[str, str]
    """Of its custom fields of text, by gid."""

    @property
    def shown(self) -> str:
        """The hash of what it says."""
        return shown_sha256(self.name, self.notes)

    @property
    def is_asking(self) -> bool:
        """Whether people can answer it as it stands."""
        return self.kind == APPROVAL and self.status == PENDING

    def is_closed(self, field: str) -> bool:
        """Whether we have marked it as needing no answer."""
        return self.texts.get(field, "").startswith(CLOSED)

    def order_key(self, field: str) -> str:
        """The key of the order that it carries."""
        return self.texts.get(field, "").removeprefix(CLOSED).strip()


def shown_sha256(name: str, notes: str) -> str:
    """By which a text is known again: of the description, a point, of the title."""
    return f"{text_sha256(notes)}.{text_sha256(name)}"


def task(raw: Any) -> Task | None:
    """A task; None if that is none."""
    gid = text(raw, "gid")
    if not gid or not isinstance(raw, dict):
        return None
    followers = raw.get("followers")
    people = [raw.get("assignee"), *(followers if isinstance(followers, list) else ())]
    fields = raw.get("custom_fields")
    return Task(
        gid=gid,
        name=text(raw, "name"),
        notes=text(raw, "notes"),
        url=text(raw, "permalink_url"),
        kind=text(raw, "resource_subtype"),
        status=text(raw, "approval_status"),
        completed=raw.get("completed") is True,
        completed_at=moment(raw.get("completed_at")),
        completed_by=_who(raw.get("completed_by")),
        created_at=moment(raw.get("created_at")) or NEVER,
        created_by=_who(raw.get("created_by")).gid,
        people=frozenset(gid for each in people if (gid := text(each, "gid"))),
        texts={
            text(each, "gid"): text(each, "text_value")
            for each in (fields if isinstance(fields, list) else ())
        },
    )


def stories(raw: Any) -> list[Story]:
    """The history of a task, oldest first; what is no entry is left out."""
    found = [_story(each) for each in raw or () if isinstance(each, dict)]
    return sorted((each for each in found if each is not None), key=lambda each: each.at)


def text(raw: Any, name: str) -> str:
    """A text that stands there; empty if there is none."""
    value = raw.get(name) if isinstance(raw, dict) else None
    return value if isinstance(value, str) else ""


def moment(value: Any) -> datetime | None:
    """A time of Asana's clock."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def _who(raw: Any) -> Who:
    return Who(gid=text(raw, "gid") or None, name=text(raw, "name"))


def _story(raw: Mapping[str, Any]) -> Story | None:
    at, gid = moment(raw.get("created_at")), text(raw, "gid")
    if at is None or not gid:
        return None
    return Story(
        gid=gid,
        at=at,
        by=_who(raw.get("created_by")),
        kind=text(raw, "resource_subtype"),
        text=text(raw, "text"),
        edited=raw.get("is_edited") is True,
        status=text(raw, "new_approval_status"),
        field=text(raw.get("custom_field"), "gid"),
        value=text(raw, "new_text_value"),
    )
