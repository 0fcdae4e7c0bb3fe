"""The service on a database that somebody else writes: it can look, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from countersign.approvals.approvals import ApprovalService
from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import (
    Checked,
    Conversation,
    ConversationKey,
    Effective,
    JsonObject,
    Principal,
    PrincipalId,
)
from countersign.approvals.ports import Directory, Job
from countersign.approvals.rules.policy import Policy
from countersign.bot.clock import SystemClock

T = TypeVar("T")


class Reader(Protocol):
    """The reading half of `approvals.ports.Store`."""

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """See `approvals.ports.Store.read`."""


def read_only(reader: Reader, people: Directory | None = None) -> ApprovalService:
    """A service for lists, transcripts and verification; writing raises UnavailableError. `people`
    are those who may decide."""
    return ApprovalService(
        _ReadStore(reader),
        SystemClock(),
        Policy.load({}),
        people or _Nobody(),
        _NoJobs(),
        {},
        _NoTools(),
    )


class _ReadStore:
    def __init__(self, reader: Reader):
        self._reader = reader
        self.unsealed = Unsealed()

    async def read(self, unit: Callable[[Connection], T]) -> T:
        return await self._reader.read(unit)

    async def write(self, unit: Callable[[Connection], T]) -> T:
        raise UnavailableError("The database is open for reading only; ask the running server.")


class NoStore:
    """Implements `approvals.ports.Store` where there is no database."""

    def __init__(self) -> None:
        self.unsealed = Unsealed()

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """Raises UnavailableError."""
        raise UnavailableError("No database is open here.")

    async def write(self, unit: Callable[[Connection], T]) -> T:
        """Raises UnavailableError."""
        raise UnavailableError("No database is open here.")


class _Nobody:
    def by_id(self, principal_id: str) -> Principal | None:
        return None

    def by_identity(self, kind: str, value: str) -> Principal | None:
        return None

    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        return ()

    def everybody(self) -> Sequence[Principal]:
        return ()


class _NoJobs:
    def enqueue(self, connection: Connection, job: Job) -> None:
        raise UnavailableError("Nothing runs here.")

    def enqueue_here(self, connection: Connection, job: Job) -> None:
        raise UnavailableError("Nothing runs here.")

    def handle(self, kind: str, handler: Callable[[str], Awaitable[None]]) -> None:
        raise UnavailableError("Nothing runs here.")

    async def run(self) -> None:
        raise UnavailableError("Nothing runs here.")


class NoConversations:
    """Implements `approvals.ports.Conversations` where nobody has written yet."""

    async def get(self, key: ConversationKey) -> Conversation | None:
        """Nobody."""
        return None

    async def personal(self, principal_id: PrincipalId, channel: str) -> Conversation | None:
        """Nobody."""
        return None

    async def save(self, heard: Conversation) -> bool:
        """Nowhere."""
        return False

    async def closed(self, known: Conversation, reason: str) -> bool:
        """It is not kept."""
        return False

    async def opened(self, key: ConversationKey) -> None:
        """It is not kept."""


class _NoTools:
    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        return None

    def schema_version(self, workflow: str, tool: str) -> str | None:
        return None

    def schema_versions(self) -> frozenset[str]:
        return frozenset()

    async def effective(self, workflow: str, tool: str, arguments: JsonObject) -> Effective | None:
        return None

    async def checked(self, workflow: str, tool: str, arguments: JsonObject) -> Checked | None:
        return None

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        return ()
