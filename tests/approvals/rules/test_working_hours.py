"""Working hours against a slow reference: one look at the calendar for each minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.models import Span
from countersign.approvals.rules.conditions.calendars import Calendar
from countersign.approvals.rules.working_hours import (
    LONGEST_DAYS,
    after,
    before,
    earlier,
    later,
    open_on,
)

MINUTE = timedelta(minutes=1)
OFFICE = Calendar(zone="Europe/Berlin", hours="09:00-17:00", holidays="DE-BE")
CALENDARS = {
    "office": OFFICE,
    "all day": Calendar(zone="America/New_York", hours="00:00-24:00"),
    "over the change": Calendar(
        zone="Europe/Berlin", hours="01:00-02:30", days=("sat", "sun", "mon")
    ),
    "half an hour": Calendar(zone="Australia/Lord_Howe", hours="00:15-23:45", days=("sun", "mon")),
    "at midnight": Calendar(zone="America/Havana", hours="00:00-01:30", days=("sat", "sun")),
    "quarter": Calendar(zone="Asia/Kathmandu", hours="22:00-24:00", closed=(date(2026, 12, 31),)),
    "skipped": Calendar(zone="Pacific/Apia", hours="08:00-10:00"),
}
AROUND = (
    "2026-03-29T00:00",
    "2026-10-25T00:00",
    "2026-03-08T05:00",
    "2026-11-01T05:00",
    "2026-04-04T14:00",
    "2026-10-03T15:00",
    "2026-12-31T20:00",
    "2026-12-24T12:00",
    "2011-12-29T10:00",
    "2028-02-28T12:00",
)
"""Changes of clocks, ends of years, holidays, a day that an island has left out, a leap day."""
moments = st.builds(
    lambda text, minutes: datetime.fromisoformat(text).replace(tzinfo=UTC) + minutes * MINUTE,
    st.sampled_from(AROUND),
    st.integers(-2_000, 2_000),
)


def slow_later(calendar: Calendar, at: datetime, minutes: int) -> datetime:
    while minutes:
        minutes -= calendar.is_open(at)
        at += MINUTE
    return at


def slow_earlier(calendar: Calendar, at: datetime, minutes: int) -> datetime:
    while minutes:
        at -= MINUTE
        minutes -= calendar.is_open(at)
    return at


@given(st.sampled_from(sorted(CALENDARS)), moments, st.integers(1, 250))
def test_later_is_what_a_look_at_every_minute_finds(name: str, at: datetime, minutes: int) -> None:
    calendar = CALENDARS[name]

    assert slow_later(calendar, at, minutes) == later(calendar, at, minutes * MINUTE)


@given(st.sampled_from(sorted(CALENDARS)), moments, st.integers(1, 250))
def test_earlier_is_what_a_look_at_every_minute_finds(
    name: str, at: datetime, minutes: int
) -> None:
    calendar = CALENDARS[name]

    assert slow_earlier(calendar, at, minutes) == earlier(calendar, at, minutes * MINUTE)


@given(st.sampled_from(sorted(CALENDARS)), moments, st.integers(1, 10_000))
def test_there_and_back_loses_no_working_time(name: str, at: datetime, seconds: int) -> None:
    """Also for moments between two minutes."""
    calendar, length = CALENDARS[name], timedelta(seconds=seconds)
    at += timedelta(seconds=seconds % 60, microseconds=seconds)
    end = later(calendar, at, length)

    assert end >= at + length
    assert end == later(calendar, earlier(calendar, end, length), length)


def test_friday_afternoon_goes_on_on_monday_and_not_on_holidays() -> None:
    friday = datetime.fromisoformat("2026-12-18T15:00+01:00")
    christmas = datetime.fromisoformat("2026-12-24T16:00+01:00")
    four_hours = Span(seconds=4 * 3600, calendar="office")

    assert datetime.fromisoformat("2026-12-21T11:00+01:00") == after(four_hours, friday, CALENDARS)
    assert datetime.fromisoformat("2026-12-28T12:00+01:00") == after(
        four_hours, christmas, CALENDARS
    )
    assert friday == before(four_hours, datetime.fromisoformat("2026-12-21T11:00+01:00"), CALENDARS)


def test_a_length_ends_when_work_ends_and_not_when_it_begins_again() -> None:
    morning = datetime.fromisoformat("2026-12-21T09:00+01:00")

    assert morning + timedelta(hours=8) == later(OFFICE, morning, timedelta(hours=8))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_day_of_a_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    whole = Calendar(zone="Europe/Berlin", hours="00:00-24:00", days=("sun",))
    ((opens, closes),) = open_on(whole, datetime.fromisoformat(day).date())

    assert timedelta(hours=hours) == closes - opens


def test_hours_that_come_twice_are_two_stretches() -> None:
    """Half past two in the morning is twice, and so is what comes before it."""
    sunday = datetime.fromisoformat("2026-10-25").date()

    assert 2 == len(open_on(CALENDARS["over the change"], sunday))


def test_without_its_calendar_all_time_counts() -> None:
    """That is the sooner one."""
    at = datetime(2026, 12, 18, 15, tzinfo=UTC)
    span = Span(seconds=3600, calendar="gone")

    assert at + timedelta(hours=1) == after(span, at, CALENDARS)
    assert at - timedelta(hours=1) == before(span, at, {})


def test_what_would_take_years_ends() -> None:
    at = datetime(2026, 12, 18, 15, tzinfo=UTC)
    sundays = Calendar(zone="UTC", hours="09:00-09:01", days=("sun",))
    years = timedelta(hours=100)

    assert at < later(sundays, at, years) <= at + timedelta(days=LONGEST_DAYS)
    assert at > earlier(sundays, at, years) >= at - timedelta(days=LONGEST_DAYS)
