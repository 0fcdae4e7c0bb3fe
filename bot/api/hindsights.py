"""Hindsights: what somebody did by hand of a call in shadow, and that a call was wrong."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import Field

from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.models import Hindsight, HindsightKind, JsonObject, Value, Via


class HindsightBody(Value):
    """What one person has put on record of a call afterwards."""

    kind: HindsightKind = Field(
        description="by_hand: what they did themselves, as the call was in shadow; wrong: that a "
        "call which has run should not have."
    )
    by: str
    name: str
    via: Via
    at: datetime
    text: str
    arguments: JsonObject | None = Field(
        description="By hand: as the tool would have received them; null if nothing was to be done."
    )
    agrees: bool | None = Field(
        description="By hand: whether that is what was proposed, within the rule's tolerances."
    )
    differs: list[str] = Field(description="The arguments that do not agree.")

    @classmethod
    def of(cls, hindsight: Hindsight) -> Self:
        """It as the API shows it."""
        return cls(
            kind=hindsight.kind,
            by=hindsight.principal_id,
            name=hindsight.name,
            via=hindsight.via,
            at=hindsight.at,
            text=hindsight.text,
            arguments=hindsight.arguments,
            agrees=hindsight.agrees,
            differs=list(hindsight.differs),
        )


class DoneByHand(Value):
    """What the caller did themselves, where a call was proposed in shadow."""

    arguments: JsonObject | None = Field(
        description="All of them, as they did it; null where nothing was to be done."
    )
    text: str = Field(default="", max_length=MAX_COMMENT, description="It stands on the ledger.")


class MarkedWrong(Value):
    """That a call which has run should not have."""

    reason: str = Field(
        min_length=1, max_length=MAX_COMMENT, description="Why; it stands on the ledger."
    )
