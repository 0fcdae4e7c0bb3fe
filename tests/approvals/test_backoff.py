"""How long to wait, of our own and as a system asks in every form that occurs."""

from __future__ import annotations

import pytest

from countersign.approvals.backoff import (
    RETRY_AFTER_MAX_S,
    backoff_s,
    http_date,
    retry_after,
)

DATE = {"Date": "Wed, 25 Nov 2026 09:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "Wed, 25 Nov 2026 09:00:30 GMT"}, 30.0),
        ({"Retry-After": "Wed, 25 Nov 2026 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "Wed, 25 Nov 2026 10:00:30 +0100"}, 30.0),
        ({"Retry-After": "86400"}, RETRY_AFTER_MAX_S),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Reset": "1795597260"}, 60.0),
        ({"Reset": "1795597260", "Retry-After": "5"}, 5.0),
        ({"Reset": "later"}, None),
        ({}, None),
    ],
)
def test_wait_is_read_in_every_form_that_occurs(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert seconds == retry_after({**DATE, **headers}, reset="Reset")


def test_reset_counts_only_where_it_is_asked_for() -> None:
    assert retry_after({**DATE, "Reset": "1795597260"}) is None


def test_date_without_a_zone_is_utc() -> None:
    found = http_date("Wed, 25 Nov 2026 09:00:00")

    assert found is not None
    assert "2026-11-25T09:00:00+00:00" == found.isoformat()


def test_wait_asked_for_is_bounded_by_who_reads_it() -> None:
    assert 900.0 == retry_after({"Retry-After": "86400"}, longest_s=900.0)


@pytest.mark.parametrize(
    ("attempt", "retry_after_s", "expected"),
    [
        (0, None, 2),
        (1, None, 4),
        (5, None, 64),
        (9, None, 900),
        (100_000, None, 900),
        (0, 30, 30),
        (5, 30, 64),
        (0, 3000, 3000),
        (0, 5000, 3600),
    ],
)
def test_waits_grow_and_are_as_long_as_we_were_told_up_to_an_hour(
    attempt: int, retry_after_s: float | None, expected: float
) -> None:
    assert expected == backoff_s(attempt, 2.0, 900.0, retry_after_s)


@pytest.mark.parametrize(
    ("jitter", "retry_after_s", "expected"), [(0.5, None, 8), (1.5, None, 24), (0.5, 10, 10)]
)
def test_jitter_bends_our_own_wait_and_not_what_was_asked_for(
    jitter: float, retry_after_s: float | None, expected: float
) -> None:
    assert expected == backoff_s(3, 2.0, 900.0, retry_after_s, jitter)
