"""How long a system asks us to wait, in every form that occurs."""

from __future__ import annotations

import pytest

from countersign.connectors.retry_after import RETRY_AFTER_MAX_S, http_date, retry_after_s

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
    assert seconds == retry_after_s({**DATE, **headers}, reset="Reset")


def test_reset_counts_only_where_it_is_asked_for() -> None:
    assert retry_after_s({**DATE, "Reset": "1795597260"}) is None


def test_date_without_a_zone_is_utc() -> None:
    found = http_date("Wed, 25 Nov 2026 09:00:00")

    assert found is not None
    assert "2026-11-25T09:00:00+00:00" == found.isoformat()
