"""Whether arguments fit a tool, said by argument."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from countersign.approvals.rules.arguments import problems
from tests.doubles.catalog import QUOTE_SCHEMA


def test_fitting_arguments_have_no_problems() -> None:
    assert {} == problems(QUOTE_SCHEMA, {"customer": "Contoso", "amount": 100})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"amount": 1}, {"customer": "is required"}),
        ({}, {"customer": "is required", "amount": "is required"}),
        (
            {"customer": "C", "amount": 1, "bcc": "x"},
            {"bcc": "is not an argument of this tool"},
        ),
    ],
)
def test_missing_and_unknown_arguments_are_named(arguments: Any, expected: Any) -> None:
    assert expected == problems(QUOTE_SCHEMA, arguments)


def test_what_a_schema_refers_to_and_has_not_fits_nothing() -> None:
    schema = {"properties": {"amount": {"$ref": "#/$defs/Money"}}}
    found = problems(schema, {"amount": 1})

    assert {"arguments"} == set(found)
    assert found["arguments"].startswith("cannot be checked (")


def test_wrong_types_and_ranges_are_named() -> None:
    found = problems(QUOTE_SCHEMA, {"customer": 7, "amount": -1})

    assert {"customer", "amount"} == set(found)
    assert "7 is not of type 'string'" == found["customer"]
    assert "-1 is less than the minimum of 0" == found["amount"]


def test_true_is_not_a_number() -> None:
    assert {"amount"} == set(problems(QUOTE_SCHEMA, {"customer": "C", "amount": True}))


def test_problem_inside_an_argument_is_reported_under_its_name() -> None:
    schema = {
        "type": "object",
        "properties": {"lines": {"type": "array", "items": {"required": ["sku"]}}},
    }

    assert {"lines"} == set(problems(schema, {"lines": [{"sku": 1}, {}]}))


def test_first_problem_of_an_argument_is_kept() -> None:
    schema = {"properties": {"a": {"type": "string", "minLength": 3, "pattern": "^x"}}}

    assert 1 == len(problems(schema, {"a": "no"}))


def test_additional_properties_are_said_once() -> None:
    schema = {"properties": {"a": {}}, "additionalProperties": False}

    assert {"b": "is not an argument of this tool"} == problems(schema, {"a": 1, "b": 2})


def test_problem_of_all_arguments_together_is_reported() -> None:
    schema = {"properties": {"a": {}, "b": {}}, "minProperties": 2}

    assert {"arguments"} == set(problems(schema, {"a": 1}))


def test_tool_without_arguments_takes_none() -> None:
    assert {} == problems({"type": "object"}, {})
    assert {"a"} == set(problems({"type": "object"}, {"a": 1}))


def test_field_that_is_missing_inside_is_not_excused_by_an_argument_of_that_name() -> None:
    schema = {
        "properties": {"sku": {}, "line": {"type": "object", "required": ["sku"]}},
    }

    assert {"line": "'sku' is a required property"} == problems(schema, {"sku": 1, "line": {}})


KINDS: Any = st.sampled_from(["string", "integer", "number", "boolean", "null", "array"])
VALUES: Any = st.sampled_from(["", "a", 0, 1, -2, 1.0, 0.5, True, None, [], {}])
NAMES: Any = st.sampled_from(["a", "b", "c"])
ARGUMENT_SCHEMAS: Any = st.fixed_dictionaries(
    {},
    optional={
        "type": KINDS | st.lists(KINDS, min_size=1, max_size=2),
        "description": st.just("what it is"),
        "default": VALUES,
        "enum": st.lists(VALUES, min_size=1, max_size=2),
        "minimum": st.integers(0, 1),
        "minLength": st.integers(0, 1),
    },
)
SCHEMAS: Any = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["object", "string"]),
        "properties": st.dictionaries(NAMES, ARGUMENT_SCHEMAS),
        "required": st.lists(NAMES, unique=True),
        "additionalProperties": st.booleans(),
        "minProperties": st.integers(0, 2),
        "not": st.just({"required": ["c"]}),
    },
)


def _one(argument: Any) -> Any:
    return {"type": "object", "properties": {"a": argument}}


@given(SCHEMAS, st.dictionaries(NAMES, VALUES))
@example(_one({"type": "string", "minLength": 1}), {"a": ""})
@example(_one({"type": "integer"}), {"a": True})
@example(_one({"type": "number"}), {"a": True})
@example(_one({"type": "boolean"}), {"a": 1})
@example(_one({"type": "string"}), {"a": "x", "b": "y"})
def test_whatever_a_validator_refuses_is_a_problem(schema: Any, arguments: Any) -> None:
    """And what it accepts is none, but for arguments that the schema does not name."""
    refused = not Draft202012Validator(schema).is_valid(arguments)
    unknown = not arguments.keys() <= schema.get("properties", {}).keys()

    assert bool(problems(schema, arguments)) is (refused or unknown)
