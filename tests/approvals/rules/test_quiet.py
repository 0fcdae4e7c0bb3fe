"""Quiet hours and digests: until when a person is not written to, whatever clocks there do."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.models import Digest, QuietHours
from countersign.approvals.rules.quiet import next_digest, quiet_until

NIGHT = QuietHours(zone="Europe/Berlin", begins=time(22), ends=time(7))
NOON = QuietHours(zone="Europe/Berlin", begins=time(12), ends=time(13, 30))

EARLY = QuietHours(zone="Europe/Berlin", begins=time(22), ends=time(2, 30))
HALF_AN_HOUR = QuietHours(zone="Australia/Lord_Howe", begins=time(22), ends=time(1, 40))
SKIPPED = QuietHours(zone="Pacific/Apia", begins=time(20), ends=time(7))


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
        # 02:30 is left out: they end when clocks are put forward
        (EARLY, "2026-03-28T23:00+01:00", "2026-03-29T03:00+02:00"),
        (EARLY, "2026-03-29T03:00+02:00", None),
        # 02:30 comes twice: what is quiet by the clock is quiet
        (EARLY, "2026-10-24T23:00+02:00", "2026-10-25T02:30+02:00"),
        (EARLY, "2026-10-25T02:45+02:00", None),
        (EARLY, "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),
        # not everywhere by a whole hour
        (HALF_AN_HOUR, "2026-04-05T01:35+10:30", "2026-04-05T01:40+10:30"),
        # a whole day is left out
        (SKIPPED, "2011-12-29T21:00-10:00", "2011-12-31T00:00+14:00"),
    ],
)
def test_quiet_hours_end_when_they_do_there(quiet: QuietHours, at: str, until: str | None) -> None:
    expected = None if until is None else datetime.fromisoformat(until)

    assert expected == quiet_until(quiet, datetime.fromisoformat(at))


AT_NIGHT = Digest(zone="Europe/Berlin", at=(time(3, 10), time(2, 30)))


@pytest.mark.parametrize(
    ("asked_at", "when"),
    [
        ("2026-03-02T01:00+01:00", "2026-03-02T02:30+01:00"),
        ("2026-03-02T02:30+01:00", "2026-03-02T03:10+01:00"),
        ("2026-03-02T03:10+01:00", "2026-03-03T02:30+01:00"),
        # left out: when clocks are put forward, and the one after it comes after it
        ("2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        ("2026-03-29T03:05+02:00", "2026-03-29T03:10+02:00"),
        # twice: one list, at the first of both
        ("2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00"),
        ("2026-10-25T02:40+02:00", "2026-10-25T03:10+01:00"),
        ("2026-10-25T02:20+01:00", "2026-10-25T03:10+01:00"),
    ],
)
def test_a_list_comes_at_its_times_there(asked_at: str, when: str) -> None:
    found = next_digest(AT_NIGHT, datetime.fromisoformat(asked_at))

    assert datetime.fromisoformat(when) == found


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
