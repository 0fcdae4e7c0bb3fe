"""The JSON Schema of a tool's parameters, made whole: references that resolve, closed objects.

AutoGen writes each parameter by itself, with the `$defs` of its models inside the property while
`$ref` points at the root (seen with autogen 0.14.1 and pyautogen 0.9.0, 2026-11-29).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from countersign.approvals.models import JsonObject

_DEFS = "#/$defs/"
_MAPS = ("properties", "patternProperties", "$defs", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "prefixItems")
_ONE = ("items", "additionalProperties", "contains", "propertyNames")
_TOGETHER = ("allOf", "if", "then", "else")
"""Apply to the same object as what stands beside them: each sees only some of its members."""


def whole(parameters: JsonObject) -> JsonObject:
    """The schema with the `$defs` of all properties at its root, where `$ref` looks for them."""
    root = {key: value for key, value in parameters.items() if key not in ("properties", "$defs")}
    defs: JsonObject = dict(parameters.get("$defs") or {})
    properties: JsonObject = {}
    for name, schema in (parameters.get("properties") or {}).items():
        inner = schema.get("$defs") if isinstance(schema, dict) else None
        if not isinstance(inner, dict):
            properties[name] = schema
            continue
        renamed = {key: _free(defs, key, body) for key, body in inner.items()}
        for key, body in inner.items():
            defs[renamed[key]] = _pointed(body, renamed)
        rest = {key: value for key, value in schema.items() if key != "$defs"}
        properties[name] = _pointed(rest, renamed)
    root["properties"] = properties
    return {**root, "$defs": defs} if defs else root


def closed(parameters: JsonObject) -> JsonObject:
    """The schema with every object that names its members refusing others.

    An object that says of itself what it makes of others keeps its word.
    """
    shut: JsonObject = _closed({"properties": {}, **parameters}, _open_of(parameters), "")
    return shut


@lru_cache(maxsize=1024)
def _invalid(text: str) -> tuple[str, str] | None:
    """Where and why a schema, as JSON, is none; the same ones come with each chat that is built."""
    from jsonschema import Draft202012Validator  # only where a chat is built
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(json.loads(text))
    except SchemaError as exc:
        path = [str(part) for part in exc.absolute_path]
        where = path[1] if path[:1] == ["properties"] and len(path) > 1 else "parameters"
        return where, exc.message
    return None


def faults(schema: JsonObject) -> dict[str, str]:
    """What is wrong with the schema itself, by parameter; empty if arguments can be checked."""
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    invalid = _invalid(json.dumps(schema))
    if invalid is not None:
        where, message = invalid
        return {where: f"its JSON Schema is not valid: {message}"}
    resource: Resource[Any] = Resource.from_contents(schema, default_specification=DRAFT202012)
    resolver = Registry().with_resource("", resource).resolver()
    found: dict[str, str] = {}
    for name, part in _parts(schema):
        for reference in _refs(part):
            try:
                resolver.lookup(reference)
            except Unresolvable:
                found.setdefault(name, f"its JSON Schema refers to {reference}, which is not there")
        if _is_secret(part):
            found.setdefault(
                name,
                "it is a secret, which nobody can read before they approve it; let the workflow "
                "set it (Depends) instead of the agent",
            )
    return found


def _parts(schema: JsonObject) -> Iterator[tuple[str, Any]]:
    yield from (schema.get("properties") or {}).items()
    yield "parameters", {key: value for key, value in schema.items() if key != "properties"}


def _is_secret(schema: Any) -> bool:
    """Whether some member is written only, as pydantic says of SecretStr and SecretBytes."""
    if isinstance(schema, list):
        return any(map(_is_secret, schema))
    if not isinstance(schema, dict):
        return False
    return schema.get("writeOnly") is True or any(map(_is_secret, schema.values()))


def _free(defs: JsonObject, name: str, body: Any) -> str:
    """`name`, or another one if it stands for something else already."""
    free, number = name, 1
    while free in defs and defs[free] != body:
        number += 1
        free = f"{name}_{number}"
    return free


def _pointed(schema: Any, renamed: dict[str, str]) -> Any:
    """The schema with each `$ref` at the name that its definition has now."""
    if all(old == new for old, new in renamed.items()):
        return schema

    def moved(reference: str) -> str:
        name = reference.removeprefix(_DEFS)
        return (
            f"{_DEFS}{renamed[name]}"
            if reference.startswith(_DEFS + name) and name in renamed
            else reference
        )

    return _with_refs(schema, moved)


def _with_refs(schema: Any, change: Callable[[str], str]) -> Any:
    if isinstance(schema, list):
        return [_with_refs(item, change) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: change(value)
        if key == "$ref" and isinstance(value, str)
        else _with_refs(value, change)
        for key, value in schema.items()
    }


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _refs(item)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            elif key not in ("default", "const", "enum", "examples"):
                yield from _refs(value)


def _open_of(schema: Any) -> frozenset[str]:
    return frozenset(_refs_together(schema))


def _refs_together(schema: Any) -> Iterator[str]:
    """What is referred to as a part of an object, and not as the whole of one."""
    if isinstance(schema, list):
        for item in schema:
            yield from _refs_together(item)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            yield from _refs(value) if key in _TOGETHER else _refs_together(value)
        if "properties" in schema and isinstance(schema.get("$ref"), str):
            yield schema["$ref"]


def _closed(schema: Any, open_: frozenset[str], at: str) -> Any:
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for key in _MAPS:
        if isinstance(made.get(key), dict):
            made[key] = {
                name: _closed(part, open_, f"{_DEFS}{name}" if key == "$defs" else "")
                for name, part in made[key].items()
            }
    for key in _LISTS:
        if isinstance(made.get(key), list):
            made[key] = [_closed(part, open_, "") for part in made[key]]
    for key in _ONE:
        if isinstance(made.get(key), dict):
            made[key] = _closed(made[key], open_, "")
    says = "additionalProperties" in made or "unevaluatedProperties" in made
    if "properties" not in made or says or at in open_:
        return made
    together = any(key in made for key in _TOGETHER) or "$ref" in made
    made["unevaluatedProperties" if together else "additionalProperties"] = False
    return made
