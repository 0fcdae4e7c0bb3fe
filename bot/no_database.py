"""What a system is opened with where there is no database: to be checked, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import Conversation, ConversationKey, PrincipalId
from countersign.approvals.ports import Moment, Unit

T = TypeVar("T")


class NoStore:
    """Implements `approvals.ports.Store` where there is no database."""

    def __init__(self) -> None:
        self.unsealed = Unsealed()

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """Raises UnavailableError."""
        raise UnavailableError("No database is open here.")

    async def unit(self, work: Callable[[Unit], T], moment: Moment) -> T:
        """Raises UnavailableError."""
        raise UnavailableError("No database is open here.")

    async def write(self, statements: Callable[[Connection], T]) -> T:
        """Raises UnavailableError."""
        raise UnavailableError("No database is open here.")


class NoConversations:
    """Implements `approvals.ports.Conversations` where nobody has written yet."""

    async def get(self, key: ConversationKey) -> Conversation | None:
        """Nobody."""
        return None

    async def personal(self, principal_id: PrincipalId, channel: str) -> Conversation | None:
        """Nobody."""
        return None

    async def save(
        self, heard: Conversation, *, only_known: bool = False, installed: bool = False
    ) -> bool:
        """Nowhere."""
        return False

    async def closed(self, known: Conversation, reason: str) -> bool:
        """It is not kept."""
        return False

    async def removed(self, heard: Conversation, reason: str) -> None:
        """It is not kept."""

    async def opened(self, key: ConversationKey) -> None:
        """It is not kept."""
