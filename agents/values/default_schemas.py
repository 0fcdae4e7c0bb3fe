"""Schemas with defaults: what models are shown says what an argument is if nobody gives it."""

from __future__ import annotations

from typing import Any

from countersign.approvals.models import JsonObject
from countersign.approvals.rules.arguments import problems


def with_defaults(offered: JsonObject, defaults: JsonObject) -> JsonObject:
    """The schema with every default as JSON, and every default allowed as a value."""
    made = dict(offered)
    made["properties"] = dict(offered.get("properties") or {})
    for name, default in defaults.items():
        schema = made["properties"].get(name)
        if not isinstance(schema, dict):
            continue
        schema = {**schema, "default": default}
        if problems({"properties": {name: schema}, **_defs(offered)}, {name: default}):
            rest = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
            kept = {key: value for key, value in schema.items() if key in _ANNOTATIONS}
            schema = {**kept, "anyOf": [rest, _only(default)]}
        made["properties"][name] = schema
    return made


_ANNOTATIONS = ("title", "description", "default")


def _only(default: Any) -> JsonObject:
    return {"type": "null"} if default is None else {"const": default}


def _defs(schema: JsonObject) -> JsonObject:
    return {"$defs": schema["$defs"]} if "$defs" in schema else {}
