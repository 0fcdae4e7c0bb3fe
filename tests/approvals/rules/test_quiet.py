"""Quiet hours: until when a person is not written to."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.models import QuietHours
from countersign.approvals.rules.quiet import quiet_until

NIGHT = QuietHours(zone="Europe/Berlin", begins=time(22), ends=time(7))
NOON = QuietHours(zone="Europe/Berlin", begins=time(12), ends=time(13, 30))


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        (NIGHT, "2026-03-02T21:59+01:00", None),
        (NIGHT, "2026-03-02T22:00+01:00", "2026-03-03T07:00+01:00"),
        (NIGHT, "2026-03-03T06:59+01:00", "2026-03-03T07:00+01:00"),
        (NIGHT, "2026-03-03T07:00+01:00", None),
        (NOON, "2026-03-03T11:59+01:00", None),
        (NOON, "2026-03-03T12:00+01:00", "2026-03-03T13:30+01:00"),
        (NOON, "2026-03-03T13:30+01:00", None),
        # clocks are set forward, and back, in these nights
        (NIGHT, "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),
        (NIGHT, "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
    ],
)
def test_quiet_hours_end_when_they_do_there(quiet: QuietHours, at: str, until: str | None) -> None:
    expected = None if until is None else datetime.fromisoformat(until)

    assert expected == quiet_until(quiet, datetime.fromisoformat(at))


clocks = st.times().map(lambda t: t.replace(second=0, microsecond=0))
moments = st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30)).map(
    lambda at: at.replace(tzinfo=UTC)
)


@given(clocks, clocks, moments, st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]))
def test_they_end_after_now_and_within_a_day(
    begins: time, ends: time, at: datetime, zone: str
) -> None:
    """Whatever the clocks do, nobody is held back for longer than a day and an hour."""
    until = quiet_until(QuietHours(zone=zone, begins=begins, ends=ends), at)

    assert until is None or 0 < (until - at).total_seconds() <= 25 * 3600
