"""Undos: what takes back what a call has done, and who asked for that."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from countersign.approvals.models.base import JsonObject, PrincipalId, Value
from countersign.approvals.models.principals import Via


class UndoOffer(Value):
    """The call that would take back another one, fixed when that one was executed."""

    tool: str
    executor: str
    """The user proxy that executes it."""
    arguments: JsonObject
    expects: JsonObject = Field(default_factory=dict)
    """What the check of `tool` has to find: facts by name, as the executed call has left them."""
    within_s: float
    until: datetime | None = None
    """When the offer is over; None while it is not stored."""


class UndoAct(Value):
    """That a person asked for an undo, and through what."""

    by: PrincipalId
    by_name: str
    via: Via
    identity: str
    reason: str
    at: datetime
