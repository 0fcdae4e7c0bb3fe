"""Sessions and the entries of their ledgers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import (
    CheckpointId,
    ConversationKey,
    JsonObject,
    PrincipalId,
    SessionId,
    Value,
)


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


class LedgerEntry(Value):
    """One link of a session's chain; `hash` covers all the rest and the link before."""

    session_id: SessionId
    seq: int
    at: datetime
    kind: str
    body: JsonObject
    prev_hash: str
    hash: str
