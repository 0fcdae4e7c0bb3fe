"""Times as rules write them: lengths, reminders and escalations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from countersign.approvals.models import Escalation, Reminder, Span, Value
from countersign.approvals.rules.durations import duration_s

_BEFORE = re.compile(r"(?P<span>.*\S)\s+before", re.DOTALL)
_BUSINESS = frozenset({"business", "calendar"})


def read_span(value: Any) -> Any:
    """`4h`, or `{business: 4h, calendar: office}`. Raises ValueError."""
    if not isinstance(value, Mapping):
        return Span(seconds=duration_s(value))
    if value.keys() != _BUSINESS or not isinstance(value["calendar"], str):
        raise ValueError("write for example 4h, or {business: 4h, calendar: office}")
    return Span(seconds=duration_s(value["business"]), calendar=value["calendar"])


Length = Annotated[Span, BeforeValidator(read_span)]
"""A length of time, perhaps in the hours of a calendar."""


class ReminderKey(Value):
    """One entry of `remind`: `1h`, `30m before`, or a mapping with `after` or `before`."""

    after: Length | None = None
    before: Length | None = None

    @model_validator(mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return value
        found = _BEFORE.fullmatch(str(value).strip())
        return {"before": found["span"]} if found else {"after": value}

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.after is None) is (self.before is None):
            raise ValueError("give either `after` (it was asked) or `before` (the deadline)")
        return self

    @property
    def reminder(self) -> Reminder:
        """What rulings say of it."""
        return Reminder(after=self.after, before=self.before)


class EscalationKey(Value):
    """One entry of `escalate`."""

    after: Length | None = None
    """Since it was asked; without it, at the deadline."""
    roles: tuple[str, ...] = Field(min_length=1)
    instead: bool = False
    """Whether those who were asked before may not decide any more."""

    @property
    def escalation(self) -> Escalation:
        """What rulings say of it."""
        return Escalation(after=self.after, roles=self.roles, instead=self.instead)
