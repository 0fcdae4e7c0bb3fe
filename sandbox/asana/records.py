"""Tasks as they are stored, and as the API gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countersign.sandbox.asana.people import CHANGES_FIELD, ORDER_FIELD, PROJECT, WORKSPACE, User

STATUSES = ("pending", "approved", "rejected", "changes_requested")
FIELDS = {ORDER_FIELD: "Countersign request", CHANGES_FIELD: "Changes"}
TEXT_MOST = 1024
"""Characters of a custom field of text. Source: developers.asana.com, "Custom fields"."""
KINDS = ("approval", "default_task", "milestone")


class RefusedError(Exception):
    """What the API answers with `status` and a message."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


@dataclass
class Task:
    """A task as it is stored."""

    gid: str
    created_by: User
    created_at: datetime
    name: str = ""
    notes: str = ""
    kind: str = "default_task"
    status: str | None = None
    completed: bool = False
    completed_at: datetime | None = None
    completed_by: User | None = None
    modified_at: datetime | None = None
    assignee: User | None = None
    followers: list[User] = field(default_factory=list)
    section: str = "To do"
    texts: dict[str, str] = field(default_factory=dict)
    stories: list[dict[str, Any]] = field(default_factory=list)


def stamp(at: datetime | None) -> str | None:
    """A time as the API writes it."""
    return (
        None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
    )


def record(task: Task) -> dict[str, Any]:
    """All of a task, as the API gives it to who asks for everything."""
    return {
        "gid": task.gid,
        "resource_type": "task",
        "resource_subtype": task.kind,
        "name": task.name,
        "notes": task.notes,
        **({"approval_status": task.status} if task.kind == "approval" else {}),
        "completed": task.completed,
        "completed_at": stamp(task.completed_at),
        "completed_by": None if task.completed_by is None else task.completed_by.compact(),
        "created_at": stamp(task.created_at),
        "created_by": task.created_by.compact(),
        "modified_at": stamp(task.modified_at),
        "assignee": None if task.assignee is None else task.assignee.compact(),
        "followers": [user.compact() for user in task.followers],
        "projects": [{"gid": PROJECT, "resource_type": "project", "name": "Approvals"}],
        "workspace": {"gid": WORKSPACE, "resource_type": "workspace", "name": "Example"},
        "permalink_url": f"https://app.asana.com/0/{PROJECT}/{task.gid}",
        "custom_fields": [
            {
                "gid": gid,
                "resource_type": "custom_field",
                "resource_subtype": "text",
                "name": name,
                "text_value": task.texts.get(gid) or None,
                "display_value": task.texts.get(gid) or None,
            }
            for gid, name in FIELDS.items()
        ],
    }
