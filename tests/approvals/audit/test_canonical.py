"""The canonical form and the digest over it."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.approvals.audit.canonical import (
    canonical_arguments,
    canonical_json,
    digest,
    sha256_hex,
    short,
    signed_text,
    well_formed,
)
from countersign.approvals.errors import InvalidError

VECTORS = Path(__file__).parents[3] / "docs" / "vectors" / "digests.json"
# Source: RFC 8785, section 3.2.2 (input) and 3.2.3 (sorted) and 3.2.4 (UTF-8).
RFC_INPUT = r"""{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}"""
RFC_OUTPUT = bytes.fromhex(
    "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e"
    "756d62657273223a5b3333333333333333332e333333333333332c31652b3330"
    "2c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac24"
    "5c75303030665c6e4127425c225c5c5c5c5c222f227d"
)
# Source: RFC 8785, section 3.2.3: sorting by UTF-16 code units.
RFC_SORTING = r"""{
  "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
  "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
  "\u00f6": "Latin Small Letter O With Diaeresis"
}"""
RFC_SORTED = [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
]
# Source: RFC 8785, appendix B: the bits of IEEE 754 doubles and their JSON form.
RFC_NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcäß€😀\r1"), inner),
    max_leaves=6,
)
CALL: dict[str, Any] = {
    "session_id": "S-1",
    "call_id": "call-1",
    "tool": "release_quote",
    "arguments": {"amount": 100},
    "policy_version": "v1",
}


def test_rfc_8785_example_has_the_published_bytes() -> None:
    assert RFC_OUTPUT == canonical_json(json.loads(RFC_INPUT))


def test_rfc_8785_keys_are_sorted_by_utf_16_code_units() -> None:
    sorted_again = json.loads(canonical_json(json.loads(RFC_SORTING)))

    assert RFC_SORTED == list(sorted_again.values())


@pytest.mark.parametrize(("bits", "text"), RFC_NUMBERS)
def test_rfc_8785_numbers_have_the_published_form(bits: str, text: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))

    assert text == canonical_json(number).decode()


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), 10**30, math.nan, math.inf, -math.inf, {"a": {1, 2}}, b"bytes", object()],
)
def test_what_json_cannot_say_exactly_is_refused(value: Any) -> None:
    with pytest.raises(InvalidError, match="no canonical JSON form"):
        canonical_json({"value": value})


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": 1}, {"a": ["\udfff"]}])
def test_lone_surrogates_are_refused_in_keys_and_values(value: Any) -> None:
    with pytest.raises(InvalidError, match="no canonical JSON form"):
        canonical_json(value)


def test_endless_nesting_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(InvalidError, match="no canonical JSON form"):
        canonical_json(value)


def test_arguments_that_nobody_can_be_shown_are_refused() -> None:
    def nested(levels: int) -> Any:
        return {"a": nested(levels - 1)} if levels else 1

    assert canonical_arguments(nested(100)) == canonical_json(nested(100))
    with pytest.raises(InvalidError, match="nested more than 100 levels"):
        canonical_arguments(nested(101))


def test_largest_exact_integers_are_kept() -> None:
    assert b"[9007199254740991,-9007199254740991]" == canonical_json([2**53 - 1, -(2**53) + 1])


@settings(max_examples=50, deadline=None)
@given(JSON_VALUES)
def test_the_form_is_stable_and_loses_nothing(value: Any) -> None:
    first = canonical_json(value)

    # every number of the form is a double, also one that is written without a fraction
    again = json.loads(first, parse_int=float)

    assert value == again
    assert first == canonical_json(again)


def test_true_and_one_differ_but_one_and_one_point_zero_do_not() -> None:
    assert canonical_json(True) != canonical_json(1)
    assert canonical_json(1.0) == canonical_json(1)


@pytest.mark.parametrize(
    ("member", "other"),
    [
        ("session_id", "S-2"),
        ("call_id", "call-2"),
        ("tool", "release_quotes"),
        ("arguments", {"amount": 101}),
        ("arguments", {"amount": "100"}),
        ("arguments", {"amount": 100, "extra": None}),
        ("policy_version", "v2"),
        ("salt", "00"),
    ],
)
def test_every_member_of_a_call_changes_its_digest(member: str, other: Any) -> None:
    assert digest(**CALL) != digest(**{**CALL, member: other})


def test_digest_is_the_sha_256_of_the_documented_object() -> None:
    written = (
        '{"arguments":{"amount":100},"call_id":"call-1","policy_version":"v1",'
        '"session":"S-1","tool":"release_quote"}'
    )

    assert sha256_hex(written.encode()) == digest(**CALL)


def test_the_published_digests_hold() -> None:
    vectors = json.loads(VECTORS.read_text("utf-8"))

    assert {True, False} == {"salt" in each["members"] for each in vectors}
    for each in vectors:
        members = dict(each["members"])
        call = {"session_id": members.pop("session"), **members}

        assert each["signed"] == signed_text(**call).decode()
        assert each["digest"] == digest(**call)
        assert each["digest"] == hashlib.sha256(each["signed"].encode()).hexdigest()


def test_order_of_arguments_does_not_change_the_digest() -> None:
    one = digest(**{**CALL, "arguments": {"a": 1, "b": 2}})
    other = digest(**{**CALL, "arguments": {"b": 2, "a": 1}})

    assert one == other


def test_short_digest_is_its_first_twelve_digits() -> None:
    assert "0123456789ab" == short("0123456789abcdef")


def test_well_formed_text_can_be_encoded_and_good_text_is_untouched() -> None:
    assert "a?b" == well_formed("a\ud800b")
    assert "a\ufffdb" == well_formed("a\0b")
    assert "Grüße 😀" == well_formed("Grüße 😀")
