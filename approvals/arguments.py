"""Whether arguments fit what a tool accepts."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from approvals.models import JsonObject


def problems(schema: JsonObject, arguments: JsonObject) -> dict[str, str]:
    """Why `arguments` do not fit the JSON Schema `schema`, by argument name; empty if they fit.

    An argument that the schema does not name is a problem even if the schema would let it pass:
    nobody has seen what it does.
    """
    found: dict[str, str] = {}
    known = schema.get("properties", {})
    for name in arguments:
        if name not in known:
            found[name] = "is not an argument of this tool"
    for error in Draft202012Validator(schema).iter_errors(arguments):
        if error.absolute_path:
            found.setdefault(str(error.absolute_path[0]), error.message)
        elif error.validator == "required":
            for name in error.validator_value:
                if name not in arguments:
                    found.setdefault(name, "is required")
        elif error.validator != "additionalProperties":
            found.setdefault("arguments", error.message)
    return found
