"""What is written here for speed is what the reference writes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.errors import InvalidError


class Colour(StrEnum):
    RED = "red"


class Text(str):
    __slots__ = ()


class Number(int):
    pass


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from([Colour.RED, Text("ä"), Number(7)])
)
KEYS = st.text() | st.text('abc\x00\x7f"\\') | st.sampled_from(["\ud800", Colour.RED, 1, None])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


def reference(value: Any) -> bytes | None:
    try:
        return rfc8785.dumps(value)
    except (ValueError, TypeError):
        return None


def ours(value: Any) -> bytes | None:
    try:
        return canonical_json(value)
    except InvalidError:
        return None


@settings(max_examples=600, deadline=None)
@given(VALUES)
@example({"b": 1, "a": {"\U0001f600": 1, "\ufb33": 2}})
@example([0.0, -0.0, 1.0, -1.5, 1e16, 123456789012345680.0, 1e21, 1e-7, 0.0001, 5e-324])
@example([2**53 - 1, -(2**53) + 1, True, [], {}, (), ""])
def test_bytes_are_those_of_the_reference(value: Any) -> None:
    assert reference(value) == ours(value)


@settings(max_examples=600, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_those_of_the_reference(number: float) -> None:
    assert reference(number) == ours(number)


@pytest.mark.parametrize("value", [2**53, {1: 1}, {"a": object()}, "\ud800", {"\ud800": 1}])
def test_what_the_reference_refuses_is_refused(value: Any) -> None:
    with pytest.raises(InvalidError):
        canonical_json(value)
