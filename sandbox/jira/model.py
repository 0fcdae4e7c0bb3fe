"""What the site remembers of an issue; frozen, so a search can keep showing an older one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Answer = Literal["pending", "approved", "declined"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Value):
    """One field that changed. `before` and `after` are ids where a field has them, else None."""

    field_id: str
    field: str
    """The name the changelog calls it: the id of a system field, the name of a custom one."""
    custom: bool = False
    before: str | None = None
    before_text: str | None = None
    after: str | None = None
    after_text: str | None = None


class History(_Value):
    """What one person changed at one moment."""

    id: int
    author: str
    at: datetime
    changes: tuple[Change, ...]


class Comment(_Value):
    """A comment; `body` is wiki markup whatever it was written in."""

    id: int
    author: str
    body: str
    at: datetime


class Approver(_Value):
    """One person's answer to an approval."""

    account_id: str
    answer: Answer = "pending"


class Approval(_Value):
    """One approval of a service request."""

    id: int
    name: str
    approvers: tuple[Approver, ...]
    final: Answer = "pending"
    created_at: datetime
    completed_at: datetime | None = None


class Issue(_Value):
    """An issue as it is at one moment."""

    id: int
    key: str
    project: str
    status: str
    creator: str
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    """By field id, in the form `sandbox.jira.fields` keeps: text, account ids, lists of them."""
    properties: dict[str, Any] = Field(default_factory=dict)
    comments: tuple[Comment, ...] = ()
    histories: tuple[History, ...] = ()
    """Oldest first."""
    approvals: tuple[Approval, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels."""
        return tuple(self.fields.get("labels") or ())

    @property
    def pending_approval(self) -> Approval | None:
        """The approval that waits for an answer, if any."""
        return next((found for found in self.approvals if found.final == "pending"), None)
