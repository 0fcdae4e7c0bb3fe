"""Times of rules in words: how long people have, when they are reminded, who is asked then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from countersign.approvals.forms.times import escalation_words, in_zone
from countersign.approvals.forms.wording import span_words
from countersign.approvals.models import AtDeadline, Ruling, Span, Step
from countersign.approvals.models.time_rules import ANY_TIME
from countersign.approvals.rules.conditions.calendars import Calendars
from countersign.approvals.rules.timing import deadline, steps
from countersign.approvals.rules.tool_rules import Rule


def when(ruling: Ruling, at: datetime, calendars: Calendars) -> Iterator[str]:
    """Until when people can decide a call that is asked at this moment, what comes before, and what
    then; line by line."""
    time, zone = ruling.time, _zone(ruling, calendars)
    if ruling.deadline_s is None:
        yield "they have as long as they want"
    until = deadline(ruling, at, calendars)
    for step in steps(time, at, until, calendars):
        yield _step(step, _told(step.at, at, zone))
    if until is not None and ruling.deadline_s is not None:
        span = Span(seconds=ruling.deadline_s, calendar=time.deadline_calendar)
        yield f"they have {span_words(span)}, until {_told(until, at, zone)}{_then(ruling)}"


def time_body(ruling: Ruling, at: datetime, calendars: Calendars) -> dict[str, Any]:
    """The same as JSON; nothing where its rule says no more than how long people have."""
    if ruling.time == ANY_TIME:
        return {}
    until = deadline(ruling, at, calendars)
    return {
        "expires_at": None if until is None else until.isoformat(),
        "at_deadline": ruling.time.at_deadline,
        "steps": [
            {
                "kind": step.kind,
                "at": step.at.isoformat(),
                "roles": [] if step.escalation is None else list(step.escalation.roles),
            }
            for step in steps(ruling.time, at, until, calendars)
        ],
    }


def in_short(rule: Rule) -> Iterator[str]:
    """As a rule has written it, for its one line: `; deadline 4h, then escalate`."""
    if rule.deadline is not None:
        then = "" if rule.at_deadline is AtDeadline.REJECT else f", then {rule.at_deadline}"
        yield f"; deadline {length(rule.deadline)}{then}"
    for reminder in rule.remind:
        if reminder.after is not None:
            yield f"; reminds after {length(reminder.after)}"
        if reminder.before is not None:
            yield f"; reminds {length(reminder.before)} before"
    for each in rule.escalate:
        how = "instead" if each.instead else "as well"
        at = "at the deadline" if each.after is None else f"after {length(each.after)}"
        yield f"; asks {' or '.join(each.roles)} {how} {at}"


def length(span: Span) -> str:
    """As it could be written in the configuration: 4h, 30s; `4h of office`."""
    text = f"{span.seconds:g}s"
    for unit, size in (("m", 60), ("h", 3600), ("d", 86400)):
        if span.seconds % size == 0:
            text = f"{span.seconds / size:g}{unit}"
    return text if span.calendar is None else f"{text} of {span.calendar}"


def _told(moment: datetime, like: datetime, zone: str) -> str:
    """In the zone of when it is asked, and in that of its calendar."""
    there = f" ({in_zone(moment, zone)})" if zone else ""
    return f"{moment.astimezone(like.tzinfo):%Y-%m-%d %H:%M %Z}{there}"


def _step(step: Step, at: str) -> str:
    if step.escalation is None:
        return f"it reminds them at {at}"
    return escalation_words(step.escalation, at)


def _then(ruling: Ruling) -> str:
    if ruling.time.at_deadline is AtDeadline.APPROVE:
        return "; if nobody decides by then, it runs"
    if ruling.time.at_deadline is AtDeadline.ESCALATE:
        last = [each for each in ruling.time.escalate if each.after is None]
        who = ", then ".join(" or ".join(each.roles) for each in last)
        return f"; if nobody decides by then, {who} is asked, with as long again"
    return ""


def _zone(ruling: Ruling, calendars: Calendars) -> str:
    calendar = calendars.get(ruling.time.deadline_calendar or "")
    return "" if calendar is None else calendar.zone
