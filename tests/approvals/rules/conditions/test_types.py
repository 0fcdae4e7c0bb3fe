"""Types of arguments by the JSON Schemas of tools."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.approvals.rules.conditions.types import joined, of_schema

TREE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"left": {"$ref": "#/$defs/Node"}, "value": {"type": "integer"}},
        }
    },
}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string"}, "text"),
        ({"type": "number"}, "number"),
        ({"type": ["integer", "null"]}, "whole number or null"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"anyOf": [{"type": ["number", "null"]}, {"type": "string"}]}, "number or text or null"),
        ({"oneOf": [{"type": "string"}, {}]}, "value of unknown type"),
        ({"anyOf": [{"type": "array"}, {"type": "array", "items": {"type": "string"}}]}, "list"),
        ({"allOf": [{"type": "boolean"}]}, "truth value"),
        ({"allOf": [{"type": "boolean"}, {"type": "boolean"}]}, "value of unknown type"),
        ({"enum": ["a", "b"]}, "text"),
        ({"enum": ["a", None]}, "text or null"),
        ({"enum": [1, 2]}, "whole number"),
        ({"enum": [1, 2.5]}, "number"),
        ({"const": True}, "truth value"),
        ({"const": None}, "null"),
        ({"const": {"a": 1}}, "value of unknown type"),
        ({"enum": []}, "value of unknown type"),
        ({"type": "array", "items": {"type": "integer"}}, "list of whole number"),
        ({"type": "array"}, "list"),
        ({"type": "object"}, "object"),
        ({"type": "null"}, "null"),
        ({"type": "other"}, "value of unknown type"),
        ({"$ref": "#/nowhere/at/all"}, "value of unknown type"),
        (TREE, "object"),
        (True, "value of unknown type"),
    ],
)  # fmt: skip
def test_a_schema_has_a_type(schema: Any, said: str) -> None:
    assert said == str(of_schema(schema))


def test_a_tree_ends_where_it_begins_again() -> None:
    tree = of_schema(TREE)
    assert tree.fields is not None

    assert ("int", "dyn") == (tree.fields["value"].kind, tree.fields["left"].kind)


def test_only_values_that_all_have_are_the_only_ones() -> None:
    named, other, free = (
        of_schema(each) for each in ({"enum": ["a"]}, {"const": "b"}, {"type": "string"})
    )

    assert ("a", "b") == joined([named, other]).values
    assert () == joined([named, free]).values
    assert "dyn" == joined([]).kind
