"""`POST /api/webhooks/decisions` in the OpenAPI document: signed by a program, not by a token."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel

from countersign.bot.http.problems import MEDIA_TYPE, Problem
from countersign.connectors.webhook.bodies import MAX_ID, Decided, NotTaken, Taken
from countersign.connectors.webhook.signing import AT, ID, SIGNATURE

Mode = Literal["validation", "serialization"]
MODELS: tuple[tuple[type[BaseModel], Mode], ...] = (
    (Decided, "validation"),
    (Taken, "serialization"),
    (NotTaken, "serialization"),
)
NOT_TAKEN: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "No signature of a caller, or older than five minutes.",
    HTTPStatus.FORBIDDEN: "The caller may not speak for this person, or they may not decide it.",
    HTTPStatus.NOT_FOUND: "There is no such request.",
    HTTPStatus.CONFLICT: "The message counted before, somebody else decided, or it has changed.",
    HTTPStatus.GONE: "Too late.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "What is wrong, by argument.",
    HTTPStatus.TOO_MANY_REQUESTS: "Come again with the same message.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Come again with the same message.",
}
_COME_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_HEADERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    ID: ("Names the message for good: it counts once.", {"type": "string", "maxLength": MAX_ID}),
    AT: ("When it was signed, in seconds.", {"type": "string", "pattern": "^[0-9]{1,12}$"}),
    SIGNATURE: ("By Standard Webhooks 1.0.", {"type": "string", "maxLength": 4_000}),
}


def path_item(names: Mapping[Any, Any], retry_after: Mapping[str, Any]) -> dict[str, Any]:
    """Its entry below `paths`; `names` has the schemas of `MODELS` and of `Problem`."""
    responses: dict[str, Any] = {"200": _answer("It counts.", names[Taken, "serialization"])}
    for status, words in NOT_TAKEN.items():
        answer = _answer(words, names[NotTaken, "serialization"])
        if status in _COME_AGAIN:
            answer["headers"] = {"Retry-After": retry_after}
            answer["content"][MEDIA_TYPE] = {"schema": names[Problem, "serialization"]}
        responses[str(int(status))] = answer
    too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    responses[str(int(too_large))] = {
        "description": too_large.phrase,
        "content": {MEDIA_TYPE: {"schema": names[Problem, "serialization"]}},
    }
    operation = {
        "operationId": "bring_a_decision",
        "summary": "Bring a decision",
        "description": "What a person has decided in a program of yours. The raw body is signed "
        "as Standard Webhooks say, with the secret of one of `connectors.webhook.callers`; there "
        "is no token.",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": words, "schema": schema}
            for name, (words, schema) in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": names[Decided, "validation"]}},
        },
        "responses": dict(sorted(responses.items())),
    }
    return {"post": operation}


def _answer(words: str, schema: Any) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
