"""Canaries: requests with a known answer, which test whether people look. Nothing ever runs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import PrincipalId, Value
from countersign.approvals.models.principals import Via


class Answer(StrEnum):
    """What may be right to do with a canary."""

    APPROVE = "approve"
    REJECT = "reject"
    MODIFY = "modify"


class CanaryEnd(StrEnum):
    """How a canary ended."""

    CAUGHT = "caught"
    """It was answered as it should be."""
    MISSED = "missed"
    """It was answered otherwise."""
    ASKED = "asked"
    """Somebody asked about it before answering: they have looked."""
    UNANSWERED = "unanswered"
    """Its deadline came."""


class Canary(Value):
    """What is known of a canary beside its request. Nobody who may decide it is shown any of it
    before it has ended."""

    example: str
    """The name that the rule calls it by."""
    expect: tuple[Answer, ...]
    because: str
    slot: int
    """Number of the ten minutes, since 1970, for which it was drawn."""
    draw: str
    """HMAC-SHA-256 of the rule and the slot, by the key of the server, as hex."""
    could: tuple[PrincipalId, ...]
    """Who could decide it when it was sent."""
    end: CanaryEnd | None = None
    """None while it waits."""
    by: PrincipalId | None = None
    by_name: str = ""
    via: Via | None = None
    at: datetime | None = None
    given: Answer | None = None
    """What its person wanted to be done."""
