"""Argument validation: whether arguments fit the JSON Schema of a tool."""

from __future__ import annotations

from countersign.approvals.models import JsonObject

_SIMPLE: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
LONGEST = 500
"""Characters of one reason: a schema's message quotes the whole value."""
_ANNOTATIONS = frozenset({"title", "description", "default", "examples"})
"""Keywords that refuse nothing. Source: JSON Schema Validation 2020-12, section 9,
https://json-schema.org/draft/2020-12/json-schema-validation (read 2026-11-25)."""
_OF_OBJECT = _ANNOTATIONS | {"type", "properties", "required", "additionalProperties"}
_OF_ARGUMENT = _ANNOTATIONS | {"type"}


def problems(schema: JsonObject, arguments: JsonObject) -> dict[str, str]:
    """Why `arguments` do not fit the JSON Schema `schema`, by argument name; empty if they fit.

    An argument that the schema does not name is a problem even if the schema would let it pass:
    nobody has seen what it does.
    """
    if _fits_simply(schema, arguments):
        return {}
    found: dict[str, str] = {}
    known = schema.get("properties", {})
    for name in arguments:
        if name not in known:
            found[name] = "is not an argument of this tool"
    try:
        _add_errors(schema, arguments, found)
    except Exception as exc:  # a schema may hold anything; what cannot be checked does not fit
        found.setdefault("arguments", f"cannot be checked ({type(exc).__name__}: {exc})"[:LONGEST])
    return found


def _add_errors(schema: JsonObject, arguments: JsonObject, found: dict[str, str]) -> None:
    from jsonschema import Draft202012Validator  # few schemas need it: see `_fits_simply`

    for error in Draft202012Validator(schema).iter_errors(arguments):
        if error.absolute_path:
            name, *inner = error.absolute_path
            where = "".join(f"{part}: " for part in [".".join(map(str, inner))] if part)
            found.setdefault(str(name), f"{where}{error.message}"[:LONGEST])
        elif error.validator == "required":
            for name in error.validator_value:
                if name not in arguments:
                    found.setdefault(name, "is required")
        elif error.validator != "additionalProperties":
            found.setdefault("arguments", error.message[:LONGEST])


def _fits_simply(schema: JsonObject, arguments: JsonObject) -> bool:
    """Whether a schema that only names arguments of simple types holds; False says nothing.

    Most tools have such a schema, and a validator takes longer than all else done to a proposal.
    """
    if not schema.keys() <= _OF_OBJECT or schema.get("type") != "object":
        return False
    for name in schema.get("required", ()):
        if name not in arguments:
            return False
    known = schema.get("properties", {})
    for name, value in arguments.items():
        if name not in known or not known[name].keys() <= _OF_ARGUMENT:
            return False
        if type(value) not in _SIMPLE.get(str(known[name].get("type")), ()):
            return False
    return True
