"""Schemas of tools made whole, closed and checked, as AutoGen writes them and as others might."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.forms.schemas import closed, faults, whole
from countersign.approvals.rules.arguments import problems

LINE = {"type": "object", "properties": {"sku": {"type": "string"}}}
OTHER_LINE = {"type": "object", "properties": {"text": {"type": "string"}}}


def of_two(first: Any, second: Any) -> Any:
    """Two parameters, each with a `Line` of its own inside, as AutoGen writes them."""
    ref = {"$ref": "#/$defs/Line"}
    return {
        "type": "object",
        "properties": {
            "one": {**ref, "$defs": {"Line": first}},
            "many": {"type": "array", "items": ref, "$defs": {"Line": second}},
        },
    }


def test_definitions_are_where_references_look_for_them() -> None:
    made = whole(of_two(LINE, LINE))

    assert {"Line": LINE} == made["$defs"]
    assert {} == faults(made)
    assert {} == problems(made, {"one": {"sku": "a"}, "many": [{"sku": "b"}]})


def test_two_models_of_one_name_stay_two() -> None:
    made = closed(whole(of_two(LINE, OTHER_LINE)))

    assert {"Line", "Line_2"} == set(made["$defs"])
    assert {} == faults(made)
    assert {} == problems(made, {"one": {"sku": "a"}, "many": [{"text": "b"}]})
    assert {"many"} == set(problems(made, {"one": {"sku": "a"}, "many": [{"sku": "b"}]}))


def test_a_renamed_model_is_found_from_its_own_inside_and_others_are_left() -> None:
    near = {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "null"}]}
    node = {"properties": {"next": near, "far": {"$ref": "https://x.example"}}}
    made = whole({**of_two(LINE, node), "$defs": {"Money": {"type": "number"}}})

    inside = made["$defs"]["Line_2"]["properties"]
    assert ("#/$defs/Line_2", "https://x.example") == (
        inside["next"]["anyOf"][0]["$ref"],
        inside["far"]["$ref"],
    )
    assert {"type": "number"} == made["$defs"]["Money"]


@pytest.mark.parametrize("name", ["amount", "parameters"])
def test_a_schema_that_is_none_is_named_by_parameter(name: str) -> None:
    properties = {"amount": {"type": "numbr"}} if name == "amount" else {"amount": {}}
    schema = {"type": "object" if name == "amount" else "objekt", "properties": properties}

    assert [name] == list(faults(schema))
    assert "is not valid" in faults(schema)[name]


def test_a_reference_to_nothing_is_named_and_data_is_no_reference() -> None:
    nowhere = {"$ref": "#/$defs/Nowhere"}
    listed = {"anyOf": [nowhere, {"type": "null"}]}
    schema = {"properties": {"a": {"default": nowhere, "examples": [nowhere]}, "b": listed}}

    assert ["b"] == list(faults(schema))
    assert "#/$defs/Nowhere, which is not there" in faults(schema)["b"]


def test_a_secret_at_any_depth_is_refused() -> None:
    secret = {"anyOf": [{"type": "string", "writeOnly": True}, {"type": "null"}]}

    assert ["token"] == list(faults({"properties": {"token": secret, "customer": {}}}))


@pytest.mark.parametrize(
    ("schema", "extra"),
    [
        (LINE, False),
        ({**LINE, "additionalProperties": True}, True),
        ({**LINE, "unevaluatedProperties": True}, True),
        ({"type": "object"}, True),
        ({"anyOf": [LINE, {"type": "null"}]}, False),
        ({"allOf": [LINE, OTHER_LINE]}, True),
        ({**OTHER_LINE, "allOf": [LINE]}, False),
        (True, True),
    ],
)
def test_objects_that_name_their_members_take_no_others(schema: Any, extra: bool) -> None:
    made = closed({"properties": {"line": schema}})
    found = problems(made, {"line": {"sku": "a", "more": 1}})

    assert extra is not bool(found)
    assert {} == problems(made, {"line": {"sku": "a"}})


def test_parts_of_one_object_do_not_shut_each_other_out() -> None:
    """`$defs` that are used as a part, beside other members, stay open; the whole is closed."""
    line = {**OTHER_LINE, "$ref": "#/$defs/Base", "allOf": [{"$ref": "#/$defs/Also"}]}
    also = {"properties": {"n": {"type": "integer"}}}
    made = closed({"properties": {"line": line}, "$defs": {"Base": LINE, "Also": also}})

    assert {} == problems(made, {"line": {"sku": "a", "text": "b", "n": 1}})
    assert {"line"} == set(problems(made, {"line": {"sku": "a", "more": 1}}))
