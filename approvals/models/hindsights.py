"""Hindsights: what people put on record of a call after it was proposed or has run."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import JsonObject, PrincipalId, RequestId, Value
from countersign.approvals.models.principals import Via


class HindsightKind(StrEnum):
    """What is put on record; each at most once for a call."""

    BY_HAND = "by_hand"
    """What a person did themselves, where the call was in shadow."""
    WRONG = "wrong"
    """That a call which has run should not have run."""


class Hindsight(Value):
    """One such record, with whose it is."""

    request_id: RequestId
    kind: HindsightKind
    principal_id: PrincipalId
    name: str
    via: Via
    identity: str
    at: datetime
    text: str = ""
    """In the person's words; of what was wrong it says why."""
    arguments: JsonObject | None = None
    """By hand: as the tool would have received them; None where nothing was to be done."""
    agrees: bool | None = None
    """By hand: whether it is what was proposed, within the tolerances of the rule at that time."""
    differs: tuple[str, ...] = ()
    """The arguments that do not agree: `amount`, `lines.price`."""
