"""Working hours: how far off a length of working time is, by a calendar. Pure.

All reckoning is in UTC, on the stretches in which a calendar is open: so an hour is an hour, also
on the day on which clocks are changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from countersign.approvals.models import Span
from countersign.approvals.rules.conditions.calendars import Calendar, Calendars
from countersign.approvals.rules.conditions.functions import zone

LONGEST_DAYS = 3 * 366
"""Days that are gone through at most: a length that takes longer ends with them."""
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
Stretch = tuple[datetime, datetime]


def after(span: Span, at: datetime, calendars: Calendars) -> datetime:
    """When so much time has passed since `at`. By a calendar that there is not any more, all time
    counts: that is sooner."""
    calendar = calendars.get(span.calendar or "")
    if calendar is None:
        return at + timedelta(seconds=span.seconds)
    return later(calendar, at, timedelta(seconds=span.seconds))


def before(span: Span, at: datetime, calendars: Calendars) -> datetime:
    """When so much time is left until `at`."""
    calendar = calendars.get(span.calendar or "")
    if calendar is None:
        return at - timedelta(seconds=span.seconds)
    return earlier(calendar, at, timedelta(seconds=span.seconds))


def later(calendar: Calendar, at: datetime, left: timedelta) -> datetime:
    """The first moment by which the calendar was open for so long since `at`."""
    at = at.astimezone(UTC)
    end = at
    for day in _days(calendar, at, _DAY):
        for opens, closes in open_on(calendar, day):
            begins = max(opens, at)
            if begins + left <= closes:
                return begins + left
            left -= max(closes - begins, timedelta())
            end = max(end, closes)
    return end


def earlier(calendar: Calendar, at: datetime, left: timedelta) -> datetime:
    """The last moment since which the calendar is open for so long until `at`."""
    at = at.astimezone(UTC)
    begin = at
    for day in _days(calendar, at, -_DAY):
        for opens, closes in reversed(open_on(calendar, day)):
            ends = min(closes, at)
            if ends - left >= opens:
                return ends - left
            left -= max(ends - opens, timedelta())
            begin = min(begin, opens)
    return begin


def open_on(calendar: Calendar, day: date) -> Sequence[Stretch]:
    """The stretches of a day, in UTC, in which people work; more than one only on a day on which
    clocks are changed within the hours."""
    if not calendar.works_on(day):
        return ()
    begins, ends = _midnight(calendar, day), _midnight(calendar, day + _DAY)
    if ends - begins == _DAY:
        opens, closes = calendar.minutes
        return ((begins + opens * _MINUTE, begins + closes * _MINUTE),)
    return tuple(_minute_by_minute(calendar, begins, ends))


def _minute_by_minute(calendar: Calendar, at: datetime, end: datetime) -> Iterator[Stretch]:
    opened: datetime | None = None
    while at < end:
        is_open = calendar.is_open(at)
        if is_open and opened is None:
            opened = at
        elif not is_open and opened is not None:
            yield opened, at
            opened = None
        at += _MINUTE
    if opened is not None:
        yield opened, end


def _midnight(calendar: Calendar, day: date) -> datetime:
    return datetime.combine(day, time(), zone(calendar.zone)).astimezone(UTC)


def _days(calendar: Calendar, at: datetime, step: timedelta) -> Iterator[date]:
    day = at.astimezone(zone(calendar.zone)).date()
    for number in range(LONGEST_DAYS):
        yield day + number * step
