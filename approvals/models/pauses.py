"""Pauses: what shall not run for now, since when, and who said so."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NewType

from countersign.approvals.models.base import PrincipalId, Value
from countersign.approvals.models.principals import Via

PauseId = NewType("PauseId", str)


class PauseKind(StrEnum):
    """What a pause is of."""

    TOOL = "tool"
    WORKFLOW = "workflow"
    AGENT = "agent"
    DOMAIN = "domain"
    ALL = "all"


class PauseScope(Value):
    """All calls of one tool, workflow, agent or domain, or all calls there are."""

    kind: PauseKind
    name: str = ""
    """Of the tool, workflow, agent or domain; "" for all."""

    def __str__(self) -> str:
        return "everything" if self.kind is PauseKind.ALL else f"the {self.kind} {self.name}"


class Pause(Value):
    """A switch at the claim: while it holds, nothing in its scope begins to run."""

    id: PauseId
    scope: PauseScope
    reason: str
    by: PrincipalId
    by_name: str
    via: Via
    at: datetime
    ended_at: datetime | None = None
    ended_by: PrincipalId | None = None
    ended_by_name: str | None = None
    ended_via: Via | None = None

    @property
    def words(self) -> str:
        """Who paused it, since when and why, as one sentence without a full stop of its own."""
        return f"paused by {self.by_name} since {self.at:%Y-%m-%d %H:%M} UTC: {self.reason}"
