"""Messages in OpenAI's shape, as AutoGen keeps them: their words, their calls, and the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from countersign.agents.calls import AnsweredCall, AskedCall

_NO_TEXT = (None, "", "None")
"""`GroupChat.append` turns the missing content of a tool call into the string "None"."""
_RESULT_ROLES = ("tool", "function")


def is_legacy(message: Mapping[str, Any]) -> bool:
    """Whether the message uses the old `function_call` and none of the new `tool_calls`."""
    return bool(message.get("function_call")) and not message.get("tool_calls")


def has_calls(message: Mapping[str, Any]) -> bool:
    """Whether the message asks for any tool."""
    return bool(message.get("tool_calls") or message.get("function_call"))


def asked_calls(history: Sequence[Mapping[str, Any]]) -> list[AskedCall]:
    """The calls of the last message, in order."""
    message = history[-1]
    words = _last_text(history)
    if is_legacy(message):
        raw = [{"id": message.get("id"), "function": message["function_call"]}]
    else:
        raw = list(message.get("tool_calls") or ())
    asked = []
    for entry in raw:
        function = entry.get("function") or {}
        name = str(function.get("name") or "")
        asked.append(AskedCall(name, function.get("arguments"), entry.get("id"), words))
    return asked


def answering(
    history: Sequence[Mapping[str, Any]], answers: Sequence[AnsweredCall]
) -> dict[str, Any]:
    """The message that answers the calls of the last one, each by the id that the model gave it,
    if it gave one."""
    if is_legacy(history[-1]):
        (answer,) = answers
        return {"role": "function", "name": answer.call.tool, "content": answer.text}
    responses = []
    for answer in answers:
        response = {"role": "tool", "content": answer.text}
        if answer.call.provider_id is not None:
            response = {"tool_call_id": answer.call.provider_id, **response}
        responses.append(response)
    content = "\n\n".join(answer.text for answer in answers)
    return {"role": "tool", "tool_responses": responses, "content": content}


def text_of(message: Mapping[str, Any]) -> str:
    """What a message says in words; "" for calls and results without any."""
    content = message.get("content")
    if content in _NO_TEXT:
        return ""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _last_text(history: Sequence[Mapping[str, Any]]) -> str:
    """The last words of whoever calls, before the calls or with them: the reason if the model gave
    no other. Words of anybody else are none, or people would read them as the agent's."""
    caller = history[-1].get("name")
    for message in reversed(history):
        is_theirs = message.get("role") not in _RESULT_ROLES and message.get("name") == caller
        if is_theirs and text_of(message):
            return text_of(message)
    return ""
