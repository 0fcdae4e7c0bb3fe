"""Calendars: hours of a zone, free days, and what is refused when they are read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from countersign.approvals.rules.conditions.calendars import Calendar

BERLIN = ZoneInfo("Europe/Berlin")


def calendar(**more: Any) -> Calendar:
    return Calendar(**{"zone": "Europe/Berlin", "hours": "09:00-17:30", **more})


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ((2026, 12, 1, 8, 59), False),
        ((2026, 12, 1, 9, 0), True),
        ((2026, 12, 1, 17, 29), True),
        ((2026, 12, 1, 17, 30), False),
        ((2026, 11, 28, 12, 0), False),  # a Saturday
        ((2026, 12, 25, 12, 0), False),
        ((2026, 12, 24, 12, 0), False),
        ((2026, 3, 8, 12, 0), False),  # a Sunday, and a holiday in Berlin
        ((2027, 3, 8, 12, 0), False),  # Women's Day, a Monday
        ((2026, 3, 30, 9, 30), True),  # the first Monday of summer time
    ],
)
def test_it_is_open_on_working_days(at: tuple[int, ...], is_open: bool) -> None:
    office = calendar(holidays="DE-BE", closed=[date(2026, 12, 24)])
    year, month, day, hour, minute = at

    assert is_open is office.is_open(datetime(year, month, day, hour, minute, tzinfo=BERLIN))


@pytest.mark.parametrize(
    ("country", "day", "works"),
    [
        ("EG", "2026-11-29", True),  # a Sunday
        ("EG", "2026-11-27", False),  # a Friday
        ("EG", "2026-11-28", False),
        ("HU", "2026-08-08", True),  # a Saturday instead of Friday the 21st
        ("HU", "2026-08-21", False),
        ("HU", "2026-08-15", False),
        ("HU", "2026-08-10", True),
        ("DE", "2026-11-29", False),
    ],
)
def test_it_works_on_the_days_of_its_country(country: str, day: str, works: bool) -> None:
    at = date.fromisoformat(day)
    noon = datetime(at.year, at.month, at.day, 12, tzinfo=BERLIN)

    assert works is calendar(holidays=country).works_on(at)
    assert ("within" in calendar(holidays=country).says(noon)) is works
    assert not calendar(holidays=country, closed=[at]).works_on(at)


def test_days_that_it_names_are_its_own_in_every_country() -> None:
    usual = ["mon", "tue", "wed", "thu", "fri"]

    assert calendar(holidays="EG", days=usual).works_on(date(2026, 11, 27))
    assert not calendar(holidays="HU", days=usual).works_on(date(2026, 8, 8))
    assert "no working day" in calendar(days=["sat"]).says(datetime(2026, 12, 1, 9, tzinfo=BERLIN))


def test_the_hours_are_those_of_its_zone_whatever_the_offset() -> None:
    at = datetime.fromisoformat("2026-12-01T17:00:00+09:00")  # 09:00 in Berlin

    assert calendar().is_open(at)
    assert not calendar(zone="Asia/Tokyo", hours="09:00-17:00").is_open(at)
    assert calendar(hours="00:00-24:00", days=["tue"]).is_open(at)
    assert calendar(holidays="US").is_open(at)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"zone": "Berlin"}, "is no time zone; write one as Europe/Berlin"),
        ({"zone": "../etc/passwd"}, "is no time zone"),
        ({"hours": "9-17"}, "are no hours; write for example 09:00-17:30"),
        ({"hours": "09:00-24:30"}, "are no hours"),
        ({"hours": "17:00-09:00"}, "end before they begin"),
        ({"hours": "09:00-09:00"}, "end before they begin"),
        ({"days": []}, "at least 1 item"),
        ({"days": ["monday"]}, "Input should be 'mon', 'tue'"),
        ({"holidays": "XX"}, "'XX': Country XX not available"),
        ({"holidays": 5}, "Input should be a valid string"),
        ({"holidays": "DE-XX"}, "DE-XX"),
    ],
)
def test_what_is_no_calendar_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError) as caught:
        calendar(**more)

    assert why in str(caught.value)
