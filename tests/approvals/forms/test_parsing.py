"""From what a person typed to the value that runs: exact, or refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.parsing import ABSENT, edited_arguments, typed_text


def edit(
    schema: dict[str, Any], typed: Any, before: Any = ABSENT, *, required: bool = False
) -> tuple[Any, str | None]:
    """The value of the one argument `x`, and its problem."""
    root = {"type": "object", "properties": {"x": schema}, "required": ["x"] if required else []}
    current = {} if before is ABSENT else {"x": before}
    edited, problems = edited_arguments(fields(root, current), current, {"x": typed})
    return edited.get("x", ABSENT), problems.get("x")


NUMBER, INTEGER = {"type": "number"}, {"type": "integer"}
OPTIONAL_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}


@pytest.mark.parametrize(
    ("schema", "typed", "value"),
    [
        (NUMBER, "900", 900),
        (NUMBER, " 900 ", 900),
        (NUMBER, "-0.1", -0.1),
        (NUMBER, "+7", 7),
        (NUMBER, "1e3", 1000.0),
        (NUMBER, ".5", 0.5),
        (NUMBER, 900, 900),
        (NUMBER, "9007199254740991", 9007199254740991),
        (INTEGER, "25", 25),
        (INTEGER, "25.0", 25),
        (INTEGER, "2e3", 2000),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "False", False),
        ({"type": "boolean"}, True, True),
        ({"type": "string"}, "  as typed  ", "  as typed  "),
        ({"type": "string"}, "900", "900"),
        ({"enum": ["EUR", "USD"]}, "USD", "USD"),
        ({"enum": [1, 2]}, "2", 2),
        ({"const": "only"}, "only", "only"),
        ({"type": "string", "format": "date"}, "2026-11-22", "2026-11-22"),
        ({"type": "string", "format": "time"}, "09:30", "09:30"),
        ({"type": "string", "format": "email"}, "a@b.example", "a@b.example"),
        ({"type": "array"}, "[1, 2.5]", [1, 2.5]),
        ({"type": "object"}, '{"a": {"b": null}}', {"a": {"b": None}}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, '"5"', "5"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "5", 5),
        ({"type": ["integer", "null"]}, "5", 5),
        (OPTIONAL_TEXT, "hi", "hi"),
    ],
)
def test_typed_text_becomes_the_value(schema: dict[str, Any], typed: Any, value: Any) -> None:
    made, problem = edit(schema, typed)

    assert problem is None
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("schema", "typed", "problem"),
    [
        (NUMBER, "many", "A number is needed."),
        (NUMBER, "1.250,50", "point for decimals"),
        (NUMBER, "1_000", "A number is needed."),
        (NUMBER, "٩", "A number is needed."),
        (NUMBER, "NaN", "A number is needed."),
        (NUMBER, "Infinity", "A number is needed."),
        (NUMBER, "0.12345678901234567890", "more digits"),
        (NUMBER, "1e400", "more digits"),
        (NUMBER, "9007199254740993", "too large"),
        (INTEGER, "2.5", "whole number"),
        (INTEGER, "9" * 30, "too large"),
        ({"type": "boolean"}, "maybe", "Yes or no"),
        ({"enum": ["EUR"]}, "GBP", "Choose one"),
        ({"type": "string", "format": "date"}, "22.11.2026", "YYYY-MM-DD"),
        ({"type": "string", "format": "time"}, "25:99", "HH:MM"),
        ({"type": "array"}, "[1,", "not JSON"),
        ({"type": "object"}, '{"a": 1, "a": 2}', "twice"),
        ({"type": "array"}, "[NaN]", "not a JSON value"),
        ({"type": "array"}, "[0.12345678901234567890]", "more digits"),
        ({"type": "array"}, "[" * 100_000, "JSON"),
        (NUMBER, {"a": 1}, "cannot be read"),
        (NUMBER, ["900"], "cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused(schema: dict[str, Any], typed: Any, problem: str) -> None:
    _, said = edit(schema, typed)

    assert said is not None
    assert problem in said


@pytest.mark.parametrize(
    ("schema", "before", "required", "value"),
    [
        ({"type": "string"}, "was", True, ""),
        ({"type": "string"}, "was", False, ""),
        ({"type": "string"}, ABSENT, False, ABSENT),
        ({"type": "string"}, ABSENT, True, ""),
        (INTEGER, 5, False, ABSENT),
        (INTEGER, ABSENT, False, ABSENT),
        ({"type": ["integer", "null"]}, None, False, None),
        ({"type": ["integer", "null"]}, 5, True, None),
        (OPTIONAL_TEXT, None, False, None),
    ],
)
def test_blank(schema: dict[str, Any], before: Any, required: bool, value: Any) -> None:
    made, problem = edit(schema, "", before, required=required)

    assert problem is None
    assert made == value


def test_blank_where_a_value_is_needed_is_refused() -> None:
    assert edit(INTEGER, "", 5, required=True)[1] == "A value is needed."


@pytest.mark.parametrize(
    ("schema", "before"),
    [
        (NUMBER, 900.0),
        (NUMBER, 0.1 + 0.2),
        ({"type": "string"}, "a\r\nb"),
        ({}, {"z": 1, "a": [1.0, 2]}),
        ({}, None),
        ({"type": "integer"}, "not an integer at all"),
    ],
)
def test_untouched_value_stays_exactly(schema: dict[str, Any], before: Any) -> None:
    made, problem = edit(schema, typed_text(before), before)

    assert problem is None
    assert json.dumps(made) == json.dumps(before)


@pytest.mark.parametrize("before", [12.0, 25080.0, 0.0])
def test_number_that_the_client_rewrote_stays_exactly(before: float) -> None:
    """A form shows 12.0 as 12; that is no change, and not another digest."""
    made, problem = edit(NUMBER, str(int(before)), before)

    assert problem is None
    assert json.dumps(made) == json.dumps(before)


def test_field_that_was_not_sent_keeps_its_value() -> None:
    form = fields(None, {"a": 1, "b": "x"})

    assert edited_arguments(form, {"a": 1, "b": "x"}, {"b": "y"}) == ({"a": 1, "b": "y"}, {})


def test_without_a_schema_the_present_value_decides_the_kind() -> None:
    form = fields(None, {"a": 1, "b": "x", "c": True, "d": [1], "e": None})

    assert [field.kind for field in form] == ["number", "text", "boolean", "json", "json"]


def test_references_and_unions_are_followed() -> None:
    root = {
        "properties": {
            "a": {"$ref": "#/$defs/Money"},
            "b": {"allOf": [{"$ref": "#/$defs/Money"}]},
            "c": {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "null"}]},
            "d": {"$ref": "#/$defs/Loop"},
            "e": {"$ref": "https://elsewhere.example/schema"},
        },
        "$defs": {
            "Money": {"type": "number"},
            "Line": {"type": "object"},
            "Loop": {"$ref": "#/$defs/Loop"},
        },
    }
    form = fields(root, {})

    assert [field.kind for field in form] == ["number", "number", "json", "json", "json"]
    assert form[2].nullable


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(JSON)
def test_any_json_survives_an_edit_of_something_else(value: Any) -> None:
    made, problem = edit({}, typed_text(value), value)

    assert problem is None
    assert json.dumps(made) == json.dumps(value)


@given(st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_that_json_holds_can_be_typed(value: float) -> None:
    made, problem = edit(NUMBER, json.dumps(value))

    assert problem is None
    assert made == value
