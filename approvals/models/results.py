"""What became of a call."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import PrincipalId, Value
from countersign.approvals.models.principals import Via


class Outcome(StrEnum):
    """What became of a tool call, as the agents are told."""

    EXECUTED = "executed"
    EXECUTED_WITH_CHANGES = "executed_with_changes"
    FAILED = "failed"
    NOT_EXECUTED = "not_executed"


class Cause(StrEnum):
    """Why a tool call was not executed."""

    REJECTED = "rejected"
    EXPIRED = "expired"
    DENIED_BY_POLICY = "denied_by_policy"
    DRIFT = "drift"
    IN_DOUBT = "in_doubt"
    SHADOW = "shadow"
    INVALID_ARGUMENTS = "invalid_arguments"
    CANCELLED = "cancelled"
    NO_APPROVER = "no_approver"
    """Nobody who may decide it is left; it was not asked."""
    LIMIT = "limit"
    WITHDRAWN = "withdrawn"
    """The agent took its proposal back, asked about it."""
    CANARY = "canary"
    """It was a test of whether people look; nothing was ever to run."""
    PRECONDITION = "precondition"
    """The tool's own check says that it makes no sense now, or could not say anything."""


class Finding(Value):
    """What a person found in the target system, about a call of which nobody else could say."""

    happened: bool
    """Whether the call took effect."""
    note: str
    by: PrincipalId
    by_name: str
    via: Via
    at: datetime


class Result(Value):
    """What became of a call, typed so that agents neither loop nor claim success."""

    outcome: Outcome
    content: str = ""
    """The tool's return value or error text, as the agents read it."""
    characters: int | None = None
    """Of all of it, where `content` is only its head; see `approvals.decisions.long_results`."""
    cause: Cause | None = None
    retry: bool = False
    """Whether proposing it again can make sense."""
    message: str = ""
    finding: Finding | None = None
    """By whom it is known, where the tool never said."""
