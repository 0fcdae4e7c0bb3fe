"""JSON that every reader takes for the same: each switch, and what is refused without one."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.strict_json import (
    LARGEST_EXACT,
    MAX_NUMBER_CHARS,
    ConstantError,
    InexactError,
    TooDeepError,
    TwiceError,
    deeper_than,
    read_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_what_json_says_is_read_as_json_says_it(value: Any) -> None:
    text = json.dumps(value).replace("-Infinity", "-1").replace("Infinity", "1")

    assert json.loads(text) == read_json(text, unique=True)


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_of_json_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConstantError, match=f"^{name} is not a JSON number$") as caught:
        read_json(f"[{name}]")

    assert name == caught.value.name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1e999", "too large"),
        ("-1e999", "too large"),
        ("1" * (MAX_NUMBER_CHARS + 1), "more than 400 characters"),
        ("0." + "1" * MAX_NUMBER_CHARS, "more than 400 characters"),
        ("{} {}", "Extra data"),
        ("", "Expecting value"),
    ],
)
def test_number_beyond_a_double_and_what_is_no_value_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", 0.1),
        ("1.50", 1.5),
        ("-1e3", -1000.0),
        (str(LARGEST_EXACT), LARGEST_EXACT),
        ("-12", -12),
    ],
)
def test_exact_numbers_are_kept(text: str, expected: float) -> None:
    value = read_json(text, exact=True)

    assert expected == value
    assert type(expected) is type(value)


@pytest.mark.parametrize("text", ["0.1234567890123456789", "1e999", str(LARGEST_EXACT + 1)])
def test_number_that_would_be_rounded_is_refused_where_numbers_are_exact(text: str) -> None:
    with pytest.raises(InexactError) as caught:
        read_json(f'{{"a": {text}}}', exact=True)

    assert Decimal(text) == Decimal(caught.value.text)


def test_number_with_an_endless_exponent_is_refused_where_numbers_are_exact() -> None:
    with pytest.raises(InexactError, match="more digits"):
        read_json("1e-99999999999999999999", exact=True)


def test_name_that_stands_twice_is_refused_where_names_are_unique() -> None:
    text = '{"a": {"b": 1, "b": 2}}'

    assert {"a": {"b": 2}} == read_json(text)
    with pytest.raises(TwiceError, match="twice") as caught:
        read_json(text, unique=True)
    assert "b" == caught.value.name


@pytest.mark.parametrize("around", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_depth_is_bounded_where_levels_are_given(around: tuple[str, str]) -> None:
    begin, end = around

    assert 4 == sum(c in "[{" for c in json.dumps(read_json(begin * 4 + "1" + end * 4, levels=4)))
    with pytest.raises(TooDeepError, match="more than 4 levels deep"):
        read_json(begin * 5 + "1" + end * 5, levels=4)
    with pytest.raises(TooDeepError, match="too deeply"):
        read_json(begin * 100_000)


def test_depth_counts_tuples_as_lists() -> None:
    assert deeper_than(((1,),), 1)
    assert not deeper_than(((1,),), 2)
