"""Form fields of a tool's arguments, from the tool's JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from countersign.approvals.models import JsonObject

FieldKind = Literal["text", "integer", "number", "boolean", "choice", "date", "time", "json"]
_BY_TYPE: dict[str, FieldKind] = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "json",
    "object": "json",
}
_BY_FORMAT: dict[str, FieldKind] = {"date": "date", "time": "time"}


@dataclass(frozen=True)
class Field:
    """One argument in the form."""

    name: str
    kind: FieldKind
    required: bool
    nullable: bool
    schema: JsonObject

    @property
    def choices(self) -> list[Any]:
        """The values of an enumeration, without null."""
        values = [self.schema["const"]] if "const" in self.schema else self.schema.get("enum", [])
        return [value for value in values if value is not None]


def fields(schema: JsonObject | None, arguments: JsonObject) -> tuple[Field, ...]:
    """A field for every argument the tool takes, in the schema's order, then for all others given.

    Without a schema the kind of each field is that of its present value.
    """
    root = schema or {}
    properties = root.get("properties")
    described = properties if isinstance(properties, dict) else {}
    required = root.get("required") or ()
    return tuple(
        _field(name, described.get(name, {}), root, arguments, required=name in required)
        for name in {**described, **arguments}
    )


def _field(
    name: str, declared: Any, root: JsonObject, arguments: JsonObject, *, required: bool
) -> Field:
    schema, nullable = _resolved(declared, root)
    kind = _kind(schema) or _kind_of_value(arguments.get(name))
    return Field(name, kind, required, nullable, schema)


def _resolved(declared: Any, root: JsonObject, depth: int = 8) -> tuple[JsonObject, bool]:
    """The schema behind local references and "X or null"; and whether null is allowed."""
    if not isinstance(declared, dict) or depth == 0:
        return {}, False
    reference = declared.get("$ref")
    if isinstance(reference, str):
        return _resolved(_pointed_at(reference, root), root, depth - 1)
    for keyword in ("anyOf", "oneOf", "allOf"):
        options = declared.get(keyword)
        if isinstance(options, list):
            real = [option for option in options if option != {"type": "null"}]
            if len(real) == 1:
                inner, nullable = _resolved(real[0], root, depth - 1)
                rest = {key: value for key, value in declared.items() if key != keyword}
                return {**inner, **rest}, nullable or len(real) < len(options)
            return {**declared, "type": None}, len(real) < len(options)
    types = declared.get("type")
    if isinstance(types, list):
        named = [name for name in types if name != "null"]
        return {**declared, "type": named[0] if len(named) == 1 else None}, "null" in types
    return declared, None in (declared.get("enum") or ())


def _pointed_at(reference: str, root: JsonObject) -> Any:
    target: Any = root
    if not reference.startswith("#/"):
        return None
    for step in reference[2:].split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        target = target.get(step) if isinstance(target, dict) else None
    return target


def _kind(schema: JsonObject) -> FieldKind | None:
    if "enum" in schema or "const" in schema:
        return "choice"
    kind = schema.get("type")
    if kind == "string":
        return _BY_FORMAT.get(str(schema.get("format")), "text")
    if isinstance(kind, str):
        return _BY_TYPE.get(kind)
    return "json" if {"anyOf", "oneOf", "allOf"} & schema.keys() else None


def _kind_of_value(value: Any) -> FieldKind:
    match value:
        case bool():
            return "boolean"
        case str():
            return "text"
        case int() | float():
            return "number"
    return "json"
