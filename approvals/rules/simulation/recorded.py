"""Recorded calls: what agents proposed, and what became of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from countersign.approvals.models import JsonObject, RequestStatus, ToolCall


class Heard(StrEnum):
    """What came back of a call."""

    APPROVED = "approved"
    CHANGED = "changed"
    """Approved by people with other arguments than the agent's."""
    REJECTED = "rejected"
    REVOKED = "revoked"
    """Approved by people, and taken back before it began."""
    EXPIRED = "expired"
    ENDED = "ended"
    """Its session ended, or it could not be asked, before anybody decided."""
    OPEN = "open"
    NOBODY = "nobody"
    """A rule or a grant decided it."""


AGAINST = frozenset({Heard.REJECTED, Heard.REVOKED})
"""A person said no."""
RAN = frozenset(
    {
        RequestStatus.EXECUTING,
        RequestStatus.EXECUTED,
        RequestStatus.FAILED,
        RequestStatus.IN_DOUBT,
    }
)


class Recorded(NamedTuple):
    """One call as it was proposed, and what came of it."""

    id: str
    checkpoint_id: str
    call: ToolCall
    """With the arguments that the agent proposed, whatever people changed."""
    workflow: str
    requester: str
    at: datetime
    seen: JsonObject | None
    """What conditions saw of calls before it, and of those beside it."""
    heard: Heard
    by: str = ""
    """The name of the person who decided."""
    decided_at: datetime | None = None
    ran: bool = False

    @property
    def waited(self) -> timedelta | None:
        """For a person's decision."""
        return None if self.decided_at is None else self.decided_at - self.at
