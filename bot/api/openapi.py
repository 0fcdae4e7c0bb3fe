"""The OpenAPI 3.1 document, built from the same table that the routes are built from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from countersign.approvals.audit.canonical import NESTING_LIMIT
from countersign.approvals.strict_json import MAX_NUMBER_CHARS
from countersign.bot.api.operation import MAX_ID_CHARS, Operation
from countersign.bot.api.sessions import MAX_KEY_CHARS
from countersign.bot.http.bodies import (
    HTTP_LIMITS,
    MAX_BODY_BYTES,
    MAX_DEPTH,
    READ_TIMEOUT_S,
)
from countersign.bot.http.problems import MEDIA_TYPE, Problem
from countersign.connectors.webhook.bodies import PATH

_ID = {"type": "string", "maxLength": MAX_ID_CHARS}
_KEY = {"type": "string", "maxLength": MAX_KEY_CHARS}
_REF = "#/components/schemas/{model}"
_EVERYWHERE = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_COME_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_HEAD_NOT_READ = {"text/plain": {"schema": {"type": "string"}}}
"""A request line or a header that is too long is answered before any operation is known."""
_RETRY_AFTER = {
    "description": "Seconds after which to come again. Nothing was done.",
    "schema": {"type": "integer", "minimum": 1},
}


def document(
    operations: Sequence[Operation], *, version: str, takes_decisions: bool = False
) -> dict[str, Any]:
    """The whole document; with the door of programs if the server `takes_decisions` there."""
    models: list[tuple[type[BaseModel], Any]] = [(Problem, "serialization")]
    for operation in operations:
        models.append((operation.answer, "serialization"))
        if operation.body is not None:
            models.append((operation.body, "validation"))
    if takes_decisions:
        # Here, so that a server without programs loads nothing of them.
        from countersign.bot.api import decisions

        models += decisions.MODELS
    names, definitions = models_json_schema(models, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, names
        )
    if takes_decisions:
        paths[PATH] = decisions.path_item(names, _RETRY_AFTER)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign",
            "version": version,
            "description": "A person's approval between an AutoGen agent and a risky tool call. "
            "Everybody listed in `people` may read; who may decide, policy says. "
            f"A request line or a header of more than {HTTP_LIMITS['max_line_size']:,} bytes is "
            "answered 400 in plain text. "
            f"A body is JSON in UTF-8 of at most {MAX_BODY_BYTES:,} bytes, {MAX_DEPTH} levels and "
            f"{MAX_NUMBER_CHARS} characters in a number, arrives within {READ_TIMEOUT_S:.0f} s, "
            "and has no name twice in an object; the arguments of a call have at most "
            f"{NESTING_LIMIT} levels.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation, names: Any) -> dict[str, Any]:
    answered = {
        "description": HTTPStatus(operation.status).phrase,
        "content": {
            "application/json": {"schema": names[operation.answer, "serialization"]},
            **{media_type: {"schema": {"type": "string"}} for media_type in operation.texts},
        },
    }
    responses: dict[str, Any] = {str(int(operation.status)): answered}
    for status in _refusals(operation):
        responses[str(int(status))] = {
            "description": status.phrase,
            "content": {MEDIA_TYPE: {"schema": names[Problem, "serialization"]}},
            **({"headers": {"Retry-After": _RETRY_AFTER}} if status in _COME_AGAIN else {}),
        }
    responses.setdefault("400", {"description": HTTPStatus.BAD_REQUEST.phrase, "content": {}})
    responses["400"]["content"] |= _HEAD_NOT_READ
    result: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": dict(sorted(responses.items())),
    }
    if operation.body is not None:
        schema = names[operation.body, "validation"]
        result["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return result


def _refusals(operation: Operation) -> list[HTTPStatus]:
    refusals = {*_EVERYWHERE, *operation.problems}
    if operation.query is not None or operation.body is not None:
        refusals.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if operation.body is not None:
        refusals |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        }
    return sorted(refusals)


def _operation_id(operation: Operation) -> str:
    return operation.summary.lower().replace(" ", "_")


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _ID}
        for name in re.findall(r"{(\w+)}", operation.path)
    ]
    found += [
        {"name": name, "in": "header", "required": False, "schema": _KEY}
        for name in operation.headers
    ]
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        required = schema.get("required", [])
        for name, prop in schema["properties"].items():
            found.append(
                {
                    "name": name,
                    "in": "query",
                    "required": name in required,
                    "schema": _present(_inline(prop, schema)),
                }
            )
    return found


def _present(prop: dict[str, Any]) -> dict[str, Any]:
    """The schema without null and its default: a parameter is left out, and null is no text."""
    options = prop.get("anyOf")
    if not isinstance(options, list) or {"type": "null"} not in options:
        return prop
    rest = {key: value for key, value in prop.items() if key not in ("anyOf", "default")}
    real = [option for option in options if option != {"type": "null"}]
    return {**rest, **real[0]} if len(real) == 1 else {**rest, "anyOf": real}


def _inline(prop: Any, schema: dict[str, Any]) -> Any:
    """The property with its references filled in: parameters cannot refer into a query model."""
    if isinstance(prop, dict):
        if "$ref" in prop:
            return _inline(schema["$defs"][prop["$ref"].rpartition("/")[2]], schema)
        return {key: _inline(value, schema) for key, value in prop.items()}
    if isinstance(prop, list):
        return [_inline(item, schema) for item in prop]
    return prop
