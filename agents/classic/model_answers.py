"""Validates the answers of a model's server: what it calls a success has to be an answer."""

from __future__ import annotations

import json
from typing import Any

import httpx

_CHATS = "/chat/completions"


class NoAnswerError(httpx.RemoteProtocolError):
    """HTTP 200 without an answer in it. The OpenAI client tries again, as after a broken
    connection; its error then has this one as its cause."""


def require_answer(response: httpx.Response) -> None:
    """Raise NoAnswerError for an answer of a chat model that AutoGen would stumble over.

    Streams are not read: they are no JSON.
    """
    if response.status_code != httpx.codes.OK or not response.request.url.path.endswith(_CHATS):
        return
    if "json" not in response.headers.get("content-type", "json"):
        return
    response.read()
    try:
        problem = _problem(json.loads(response.content))
    except ValueError:
        problem = "is not JSON"
    if problem:
        raise NoAnswerError(f"The language model's answer {problem}.", request=response.request)


def _problem(body: Any) -> str:
    if not isinstance(body, dict):
        return "is not a JSON object"
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        return "has no choices"
    for choice in choices:
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            return "has no message"
        for call in message.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                return "has a tool call without a function"
    return ""
