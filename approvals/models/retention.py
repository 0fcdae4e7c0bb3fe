"""Retention: legal holds, and sessions that were moved into archive files."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NewType

from countersign.approvals.models.base import PrincipalId, SessionId, Value
from countersign.approvals.models.governance import Governance
from countersign.approvals.models.principals import Via

HoldId = NewType("HoldId", str)


class HoldKind(StrEnum):
    """What a legal hold is of."""

    SESSION = "session"
    PERSON = "person"
    TOOL = "tool"


class HoldScope(Value):
    """One session; all that name a person; or all in which a tool was proposed."""

    kind: HoldKind
    name: str

    def __str__(self) -> str:
        return f"the {self.kind} {self.name}"


class Hold(Value):
    """A legal hold: while it is in force, nothing in its scope is archived or erased."""

    id: HoldId
    scope: HoldScope
    reason: str
    by: PrincipalId
    by_name: str
    via: Via
    at: datetime
    lifted_at: datetime | None = None
    lifted_by: PrincipalId | None = None
    lifted_by_name: str | None = None
    lifted_via: Via | None = None
    lifted_reason: str | None = None


class Archived(Value):
    """A session that is in an archive file, and in the tables no longer."""

    session: SessionId
    file: str
    """The name of the file."""
    sha256: str
    """Of the file."""
    at: datetime
    entries: int
    """Of its chain."""
    head: str
    """The hash of the last of them."""
    requests: tuple[str, ...]


class HoldPlaced(Governance):
    """Somebody put something on hold."""

    kind: ClassVar[str] = "hold_placed"

    hold: HoldId
    scope: HoldScope
    reason: str
    by: PrincipalId
    via: Via
    identity: str
    """How the channel knows them."""


class HoldLifted(Governance):
    """Somebody lifted a hold."""

    kind: ClassVar[str] = "hold_lifted"

    hold: HoldId
    scope: HoldScope
    reason: str
    by: PrincipalId
    via: Via
    identity: str


class SessionsArchived(Governance):
    """Sessions were moved into a file; the rows say which."""

    kind: ClassVar[str] = "sessions_archived"

    file: str
    sha256: str
    sessions: int
    entries: int
    older_than_days: int
    by: PrincipalId
    via: Via
    identity: str


class SessionsRestored(Governance):
    """Sessions of an archive file are in the tables again; the rows say which."""

    kind: ClassVar[str] = "sessions_restored"

    file: str
    sha256: str
    sessions: int
    entries: int
    reason: str
    by: PrincipalId
    via: Via
    identity: str
