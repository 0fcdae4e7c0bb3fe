"""What the Teams side asks of the rest of the application: as little as it needs, by shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from countersign.approvals.models import (
    Actor,
    Conversation,
    ConversationKey,
    Delivery,
    JsonObject,
    Principal,
    Request,
    RequestId,
    RequestStatus,
    Session,
    SessionId,
    SessionStatus,
    Verdict,
    Vote,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.tickets import ActKey, RecordedAct


class Conversations(Protocol):
    """Where people can be reached; `approvals.conversations.Conversations`."""

    async def get(self, key: ConversationKey) -> Conversation | None:
        """A stored conversation."""

    async def save(
        self, heard: Conversation, *, only_known: bool = False, installed: bool = False
    ) -> bool:
        """It was heard of: it is where it says, and open to us. Whether it was not known."""

    async def removed(self, heard: Conversation, reason: str) -> None:
        """It is closed to us, and with it all of its team."""


class Decisions(Protocol):
    """Votes and views; `approvals.approvals.ApprovalService`, as is all below."""

    async def view(self, request_id: str) -> RequestView:
        """All that a card shows. Raises NotFoundError."""

    async def vote(
        self,
        request_id: RequestId,
        actor: Actor,
        *,
        verdict: Verdict,
        digest: str,
        arguments: JsonObject | None = None,
        comment: str = "",
        act: ActKey | None = None,
    ) -> Request:
        """Count one verdict, the same `act` once. Raises what `approvals.errors` has for it."""

    async def refuse(self, request_id: RequestId, actor: Actor, reason: str) -> None:
        """Record an attempt that we have refused. Raises NotFoundError."""


class Service(Decisions, Protocol):
    """All that the bot asks for."""

    async def cancel(
        self, session_id: SessionId, actor: Actor, *, unless_proposed: bool = False
    ) -> Session:
        """End a session. Raises ClosedError, and ProposedError if asked to."""

    async def begun_with(self, idempotency_key: str) -> Session | None:
        """The session that was started with this key."""

    async def acted(self, act: ActKey) -> RecordedAct | None:
        """What became of an act, if it was a vote or an answer."""

    async def session(self, session_id: str) -> Session:
        """One session. Raises NotFoundError."""

    async def sessions(
        self,
        *,
        status: SessionStatus | None = None,
        conversation: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Any:
        """A page (`items`) of sessions, newest first."""

    async def requests(
        self,
        *,
        status: RequestStatus | None = None,
        session_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Any:
        """A page (`items`) of requests, oldest first."""

    async def waiting_for(self, principal: Principal, *, limit: int = 20) -> Sequence[Request]:
        """Pending requests that this person may decide."""

    async def deliveries(self, request_id: str) -> Sequence[Delivery]:
        """Where a request is shown."""

    @property
    def conversations(self) -> Conversations:
        """Where people can be reached."""

    async def around(
        self, request_ids: Sequence[RequestId]
    ) -> Mapping[RequestId, tuple[Sequence[Vote], Sequence[Delivery]]]:
        """Votes on and deliveries of each of these requests."""

    async def adopt_delivery(
        self, request_id: RequestId, channel: str, reference: JsonObject
    ) -> None:
        """Keep a card up to date that we had lost sight of."""
