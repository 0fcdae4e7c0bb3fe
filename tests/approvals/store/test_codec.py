"""What goes into the store comes out of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.approvals.errors import (
    AlreadyDecidedError,
    InvalidArgumentsError,
    UnavailableError,
)
from countersign.approvals.models import RequestId, RequestStatus, Stage
from countersign.approvals.store import codec

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)).map(
    lambda at: at.replace(tzinfo=UTC)
)


@settings(max_examples=50, deadline=None)
@given(TIMES, TIMES)
def test_times_survive_and_their_text_sorts_as_they_do(one: datetime, other: datetime) -> None:
    assert one == codec.from_text(codec.to_text(one))
    assert (one < other) == (codec.to_text(one) < codec.to_text(other))
    assert 32 == len(codec.to_text(one))


def test_entries_of_before_commitments_are_as_we_wrote_them() -> None:
    older = {"commitment": "", "salt": ""}

    assert {"a": 1} == codec.body_of(1, '{"a":1}', older)
    for text in ('{"a": 1}', '{"a":2,"a":1}'):
        with pytest.raises(ValueError, match="entry 1 is not written as we write"):
            codec.body_of(1, text, older)


def test_times_of_other_zones_are_stored_in_utc() -> None:
    at = datetime(2026, 3, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    assert "2026-02-28T23:00:00.000000+00:00" == codec.to_text(at)


def test_json_is_compact_and_keeps_unicode_and_order() -> None:
    assert '{"b":"Grüße 😀","a":[1,2.5,null,true]}' == codec.dumps(
        {"b": "Grüße 😀", "a": [1, 2.5, None, True]}
    )


@pytest.mark.parametrize("text", ["", " {}", "{} ", "{}{}", "{"])
def test_json_that_we_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra data"):
        codec.loads(text)


def test_missing_objects_stay_missing() -> None:
    assert codec.object_or_none(None) is None
    assert {"a": 1} == codec.object_or_none('{"a":1}')


def test_values_refuse_unknown_fields() -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        Stage.model_validate({"roles": ["a"], "quorums": 1})


def test_errors_say_what_is_the_case() -> None:
    closed = AlreadyDecidedError(RequestId("R-1"), RequestStatus.CANCELLED, None)
    invalid = InvalidArgumentsError("pay", {"amount": "is required", "to": "is unknown"})

    assert "Request R-1 is closed: cancelled." == str(closed)
    assert "The arguments do not fit pay: amount: is required; to: is unknown" == str(invalid)
    assert 5.0 == UnavailableError("down", retry_after_s=5.0).retry_after_s
