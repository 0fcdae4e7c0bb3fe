"""Windows: days, weeks and months begin where people live, also when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.rules.budgets.windows import begins_at, ends_at, period

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Asia/Beirut",
)
WINDOWS: tuple[Any, ...] = ("day", "week", "month")


@pytest.mark.parametrize(
    ("window", "zone", "at", "begin", "end"),
    [
        ("day", "Europe/Berlin", "2026-03-29T10:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("day", "Europe/Berlin", "2026-10-25T10:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("day", "America/New_York", "2026-12-01T03:00Z", "2026-11-30T05:00Z", "2026-12-01T05:00Z"),
        ("day", "Africa/Cairo", "2026-04-24T10:00Z", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),
        ("week", "Europe/Berlin", "2026-03-29T21:59Z", "2026-03-22T23:00Z", "2026-03-29T22:00Z"),
        ("week", "UTC", "2026-03-02T00:00Z", "2026-03-02T00:00Z", "2026-03-09T00:00Z"),
        ("month", "UTC", "2026-12-31T23:59Z", "2026-12-01T00:00Z", "2027-01-01T00:00Z"),
        ("month", "Europe/Berlin", "2026-03-31T22:00Z", "2026-03-31T22:00Z", "2026-04-30T22:00Z"),
    ],
)
def test_windows_begin_and_end(window: Any, zone: str, at: str, begin: str, end: str) -> None:
    moment = datetime.fromisoformat(at)

    assert datetime.fromisoformat(begin) == begins_at(window, zone, moment)
    assert datetime.fromisoformat(end) == ends_at(window, zone, moment)


@given(
    st.sampled_from(WINDOWS),
    st.sampled_from(ZONES),
    st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)),
)
def test_every_moment_is_in_one_window(window: Any, name: str, at: datetime) -> None:
    moment = at.replace(tzinfo=UTC)
    begin, end = begins_at(window, name, moment), ends_at(window, name, moment)
    last = end - timedelta(microseconds=1)
    here = ZoneInfo(name)

    assert begin <= moment < end
    assert begin == begins_at(window, name, last) == begins_at(window, name, begin)
    assert end == begins_at(window, name, end)
    assert window != "day" or {moment.astimezone(here).date()} == {
        begin.astimezone(here).date(),
        last.astimezone(here).date(),
    }


def test_what_rolls_on_begins_before_each_moment() -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)

    assert now - timedelta(hours=24) == begins_at(86400.0, "", now)
    assert ["today", "this week", "this month", "in 24 hours", "in 90 minutes"] == [
        period(each) for each in ("day", "week", "month", 86400.0, 5400.0)
    ]
