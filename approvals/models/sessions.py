"""Sessions and the entries of their ledgers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from countersign.approvals.models.base import (
    CheckpointId,
    ConversationKey,
    JsonObject,
    PrincipalId,
    RequestId,
    SessionId,
    Value,
)
from countersign.approvals.models.undos import UndoAct


class SessionStatus(StrEnum):
    """Where a session stands. Only `running` and `waiting` sessions can go on."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Session(Value):
    """One run of a workflow for an owner."""

    id: SessionId
    workflow: str
    workflow_version: str
    task: str
    owner: PrincipalId
    status: SessionStatus
    conversation: ConversationKey | None
    created_at: datetime
    updated_at: datetime
    checkpoint_id: CheckpointId | None = None
    answer: str | None = None
    error: str | None = None
    cause: str | None = None
    """Why it ended."""
    undoes: RequestId | None = None
    """The request of another session that it takes back; None of a conversation with agents."""
    undoing: UndoAct | None = None
    """Who asked for that."""


@dataclass(frozen=True)
class ChatState:
    """The state of a chat at a pause or at its end, to be stored.

    Its messages are in the snapshot, but for those that have left it for `chunks`: each is a JSON
    array without its brackets, numbered from 0. A chunk with a number that is stored already takes
    the place of that one, and of all that come after it.
    """

    snapshot: str
    """All of it but the chunks, as a JSON object."""
    transcript_sha256: str
    """Of all messages, as one JSON text."""
    chunks: int = 0
    """How many chunks there are."""
    chunk: str | None = None
    """The last of them, if it is new."""


@dataclass(frozen=True)
class StoredChat:
    """The same as it comes back from the store."""

    snapshot: str
    chunks: tuple[str, ...] = ()

    def messages(self) -> list[JsonObject]:
        """What was said, oldest first; of parallel chats one branch after the other, each message
        with its `branch`, and then the chat that follows them."""
        stored = json.loads(self.snapshot)
        if BRANCHES not in stored:
            before = json.loads(f"[{','.join(self.chunks)}]")
            return [*before, *stored.get("messages", [])]
        said = [
            {**message, "branch": name}
            for name, part in stored[BRANCHES].items()
            for message in _messages_of(part)
        ]
        return [*said, *_messages_of(stored.get(THEN) or {})]


BRANCHES, THEN = "branches", "then"
"""The members of a snapshot of parallel chats: each with its own state as `chat` and `chunks`."""


def _messages_of(part: JsonObject) -> list[JsonObject]:
    if part.get("chat") is None:
        return []
    return StoredChat(json.dumps(part["chat"]), tuple(part.get("chunks", ()))).messages()


class LedgerEntry(Value):
    """One link of a session's chain, or of that of governance, whose name is in place of the
    session's; `hash` covers all the rest and the link before."""

    session_id: SessionId
    seq: int
    at: datetime
    kind: str
    body: JsonObject
    prev_hash: str
    hash: str
    salt: str = ""
    commitment: str = ""
    """To the body, with the salt; "" of entries of before there were any."""
    fields: Mapping[str, str] = Field(default={}, exclude_if=lambda found: not found)
    """The salts of what is committed to on its own in the body, by pointer."""

    @property
    def erased(self) -> bool:
        """Whether the body was erased, and its salt with it."""
        return bool(self.commitment) and not self.salt
