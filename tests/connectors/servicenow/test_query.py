from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from countersign.approvals.errors import InvalidError
from countersign.connectors.servicenow import query

HOSTILE = ["x^NQactive=true", "x^ORstate=approved", "a\nb", "javascript:gs.log(1)", "JavaScript:1"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "build",
    [
        lambda value: query.equals("correlation_id", value),
        lambda value: query.starts("correlation_display", value),
        lambda value: query.any_of("user_name", [value]),
    ],
)
def test_value_cannot_add_a_condition(build: Callable[[str], str], value: str) -> None:
    with pytest.raises(InvalidError):
        build(value)


def test_value_in_a_list_cannot_be_two() -> None:
    with pytest.raises(InvalidError, match="comma"):
        query.any_of("user_name", ["alex", "ben,admin"])


def test_terms_are_joined_as_the_api_reads_them() -> None:
    berlin = datetime(2026, 11, 25, 10, 0, tzinfo=timezone(timedelta(hours=1)))

    assert "a=1^bIN2,3^sys_updated_on>=2026-11-25 09:00:00^ORc>=2026-11-25 09:00:00^ORDERBYa" == (
        query.all_of(
            query.equals("a", "1"),
            query.any_of("b", ["2", "3"]),
            query.since(["sys_updated_on", "c"], berlin),
            "ORDERBYa",
        )
    )
    assert "at>=2026-11-25 09:00:00" == query.since(["at"], datetime(2026, 11, 25, 9, tzinfo=UTC))
