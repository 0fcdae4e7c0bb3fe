"""Times in words: until when a request can be decided, what happens then, and what before. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from countersign.approvals.models import (
    AtDeadline,
    Escalation,
    Request,
    RequestKind,
    RequestStatus,
    Step,
)
from countersign.approvals.models.time_rules import ANY_TIME


def in_utc(at: datetime) -> str:
    """`2026-11-30 16:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def in_zone(at: datetime, zone: str) -> str:
    """`Mon 30 Nov 2026, 17:00 in Europe/Berlin`."""
    here = at.astimezone(ZoneInfo(zone))
    return f"{here:%a} {here.day} {here:%b %Y, %H:%M} in {zone}"


def zone_of(request: Request) -> str:
    """In which its times are told, besides UTC; "" if in none."""
    return "" if request.timing is None else request.timing.zone


def moment(at: datetime, zone: str) -> str:
    """A time in UTC, and as it is where people work."""
    return f"{in_utc(at)} ({in_zone(at, zone)})" if zone else in_utc(at)


def then(request: Request) -> str:
    """What becomes of it if nobody decides until its deadline: `it does not run`."""
    if request.kind is RequestKind.INPUT:
        return "the chat ends"
    timing = request.timing
    if timing is None:
        return "it does not run"
    if (last := timing.last_resort) is not None:
        return f"{roles(last)} {_takes_over(last)}"
    if timing.rule.at_deadline is AtDeadline.APPROVE:
        return "it runs"
    return "it does not run"


def roles(escalation: Escalation) -> str:
    """Who is asked by it."""
    return " or ".join(escalation.roles)


def _takes_over(escalation: Escalation) -> str:
    return "is asked instead" if escalation.instead else "is asked as well"


def escalation_words(escalation: Escalation, at: str) -> str:
    """`controller is asked as well from 2026-11-30 16:00 UTC`."""
    return f"{roles(escalation)} {_takes_over(escalation)} from {at}"


def next_step(request: Request) -> Step | None:
    """What comes next while it waits; None if nothing does before its deadline."""
    waits = request.status is RequestStatus.PENDING
    if request.timing is None or not waits or not request.timing.steps:
        return None
    return request.timing.steps[0]


Say = Callable[[datetime, str], str]
"""Tells a time, by the zone of the request's calendar."""


def coming(request: Request, say: Say = moment) -> str:
    """Who is asked as well if nobody decides soon, as a sentence; "" if nobody is."""
    timing = request.timing
    if timing is None or request.status is not RequestStatus.PENDING:
        return ""
    for step in timing.steps:
        if step.escalation is not None:
            at = say(step.at, timing.zone)
            return f"If nobody decides, {escalation_words(step.escalation, at)}."
    return ""


def happened(request: Request, say: Say = moment) -> str:
    """That others were asked, as a sentence; "" if they were not."""
    timing = request.timing
    if timing is None or not timing.escalated:
        return ""
    last = timing.escalated[-1]
    return f"Escalated to {roles(last.escalation)} at {say(last.at, timing.zone)}."


def at_deadline(request: Request) -> AtDeadline:
    """What becomes of it then, by its rule."""
    return (ANY_TIME if request.timing is None else request.timing.rule).at_deadline
