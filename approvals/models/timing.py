"""The times of one request: what is still to come while it waits, and what has happened."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from countersign.approvals.models.base import Value
from countersign.approvals.models.calls import Stage
from countersign.approvals.models.time_rules import ANY_TIME, AtDeadline, Escalation, TimeRule


class Step(Value):
    """A reminder or an escalation that is to come."""

    kind: Literal["remind", "escalate"]
    at: datetime
    escalation: Escalation | None = None


class Escalated(Value):
    """An escalation that has happened."""

    at: datetime
    escalation: Escalation
    stage: int
    """The one that was open."""


class Timing(Value):
    """What its rule says of time, and how far that has come."""

    rule: TimeRule = ANY_TIME
    deadline_s: float | None = None
    """How long people have from when they are asked."""
    zone: str = ""
    """In which its deadline is told, besides UTC: that of the calendar."""
    asked_at: datetime
    steps: tuple[Step, ...] = ()
    """In the order of their times."""
    count: int = 0
    """How many messages it has given rise to: each has its number."""
    ruled_stages: tuple[Stage, ...] = ()
    """The stages as its rule has them, where an escalation has changed them."""
    escalated: tuple[Escalated, ...] = ()

    @property
    def next_step_at(self) -> datetime | None:
        """When the next of its steps is due."""
        return self.steps[0].at if self.steps else None

    @property
    def last_resort(self) -> Escalation | None:
        """Who is asked at the deadline if nobody has decided by then."""
        if self.rule.at_deadline is not AtDeadline.ESCALATE:
            return None
        done = [each.escalation for each in self.escalated]
        left = (each for each in self.rule.escalate if each.after is None and each not in done)
        return next(left, None)
