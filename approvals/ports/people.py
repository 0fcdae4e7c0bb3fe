"""People and time: who they are now, and what the time is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from countersign.approvals.models import DirectoryPage, People, Principal
from countersign.approvals.tickets import CheckResult


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time as an aware UTC datetime; goes back only where the machine's clock was set back
        for good."""


class Directory(Protocol):
    """Who people are. Answers are those of now, so revoking a role works at once."""

    def by_id(self, principal_id: str) -> Principal | None:
        """The principal with this id."""

    def by_identity(self, kind: str, value: str) -> Principal | None:
        """The principal that a channel knows as `value`; `kind` is `entra`, `jira`, …"""

    def people(self) -> People:
        """Everybody there is now, as a value that does not change any more: what is decided inside
        a transaction goes by that."""

    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        """Everybody who holds at least one of `roles`, ordered by id."""

    def everybody(self) -> Sequence[Principal]:
        """Everybody there is, ordered by id."""

    async def refresh(self) -> bool:
        """Take over what has changed where people are kept; whether anything had. Raises
        UnavailableError."""


class DirectorySource(Protocol):
    """A directory from which people are read: Entra, Jira, ServiceNow."""

    name: str
    """In `directory.sources`."""
    words: str
    """As people call it."""
    identity: str
    """The kind of identity that its account ids are."""
    lists_everybody: bool
    """Whether an account that is missing in a whole reading was deleted there."""

    def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        """All of it, or what has changed since the reading that ended with `cursor`, by pages.

        Raises UnavailableError; CursorLostError if `cursor` says nothing to it any more.
        """

    async def check(self) -> Sequence[CheckResult]:
        """Ask it whether we may read it; each finding says what to do. Raises UnavailableError."""

    async def close(self) -> None:
        """Let go of its connections."""
