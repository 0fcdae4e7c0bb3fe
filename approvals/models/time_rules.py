"""What a rule says of time: how long people have, what happens before that is over, and then."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, model_serializer, model_validator

from countersign.approvals.models.base import JsonObject, Value


class AtDeadline(StrEnum):
    """What becomes of a request that nobody has decided in time."""

    REJECT = "reject"
    ESCALATE = "escalate"
    """Other people are asked, and have as long again."""
    APPROVE = "approve"
    """Only of what is read or can be undone, exactly as the agent proposed it."""


class Span(Value):
    """A length of time: of any time, or of the hours of a calendar. As JSON its seconds, or
    `{"business": seconds, "calendar": name}`."""

    seconds: float = Field(gt=0)
    calendar: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, int | float):
            return {"seconds": value}
        if isinstance(value, dict) and "business" in value:
            return {"seconds": value["business"], "calendar": value["calendar"]}
        return value

    @model_serializer
    def _as_json(self) -> float | JsonObject:
        if self.calendar is None:
            return self.seconds
        return {"business": self.seconds, "calendar": self.calendar}


def calendar_of(span: Span | None) -> str | None:
    """Whose hours it counts, if it is of a calendar."""
    return None if span is None else span.calendar


class Reminder(Value):
    """When people are reminded: so long after they were asked, or before the deadline."""

    after: Span | None = None
    before: Span | None = None


class Escalation(Value):
    """Who may decide as well after a while, or instead of those who were asked."""

    after: Span | None = None
    """Since it was asked; None: at the deadline."""
    roles: tuple[str, ...] = Field(min_length=1)
    instead: bool = False


class TimeRule(Value):
    """All that a rule says of time but the deadline itself."""

    deadline_calendar: str | None = None
    """Whose hours the deadline counts; None: all of them."""
    valid_calendar: str | None = None
    """Whose hours an approval holds for."""
    at_deadline: AtDeadline = AtDeadline.REJECT
    remind: tuple[Reminder, ...] = ()
    escalate: tuple[Escalation, ...] = ()
    through_quiet_hours: bool = False
    """Whether people are written to at once, whatever their quiet hours."""


ANY_TIME = TimeRule()
"""A rule that says nothing of it."""
