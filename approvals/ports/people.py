"""People and time: who they are now, and what the time is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from countersign.approvals.models import People, Principal


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
