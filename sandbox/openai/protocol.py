"""The chat completions protocol: what OpenAI refuses, with its own words, and how its answers look.

Source: OpenAI API reference, "Create chat completion"
(platform.openai.com/docs/api-reference/chat/create); the error texts and `param` values as users
report them (sdcb/chats pull request 132, agno-agi/agno issue 4345, songquanpeng/one-api issue
1319).
"""

from __future__ import annotations

import json
import re
import secrets
import string
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from countersign.sandbox.openai.conversation import Call, Say

_ALPHABET = string.ascii_letters + string.digits
_NAME = re.compile(r"^[^\s<|\\/>]+$")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
_MESSAGE_FIELDS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {
        "role",
        "content",
        "name",
        "refusal",
        "audio",
        "annotations",
        "tool_calls",
        "function_call",
    },
    "tool": {"role", "content", "name", "tool_call_id"},
    "function": {"role", "content", "name"},
}
_PARAMETERS = set(
    "model messages tools tool_choice functions function_call stream stream_options temperature "
    "top_p n stop max_tokens max_completion_tokens presence_penalty frequency_penalty logit_bias "
    "logprobs top_logprobs user seed response_format parallel_tool_calls metadata store "
    "service_tier reasoning_effort verbosity modalities audio prediction web_search_options "
    "prompt_cache_key prompt_cache_retention safety_identifier".split()
)
_CALLS_WITHOUT_ANSWER = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'. The following tool_call_ids did not have response messages: "
)
_ANSWER_WITHOUT_CALL = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
    "with 'tool_calls'."
)


class RefusedError(Exception):
    """A request OpenAI answers with an error: its status and its body."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        status: int = 400,
        type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": type, "param": param, "code": code}}


def check(body: object) -> None:
    """Raise RefusedError for what OpenAI would not accept."""
    if not isinstance(body, Mapping):
        raise RefusedError("We could not parse the JSON body of your request.")
    for name in body:
        if name not in _PARAMETERS:
            raise RefusedError(f"Unrecognized request argument supplied: {name}")
    if not isinstance(body.get("model"), str):
        raise RefusedError("you must provide a model parameter")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RefusedError(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead.",
            param="messages",
            code="empty_array",
        )
    for index, message in enumerate(messages):
        _check_message(index, message)
    _check_pairing(messages)
    for index, tool in enumerate(body.get("tools") or ()):
        name = tool.get("function", {}).get("name", "")
        if not _TOOL_NAME.match(name):
            raise RefusedError(
                f"Invalid 'tools[{index}].function.name': string does not match pattern. "
                "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
                param=f"tools[{index}].function.name",
                code="invalid_value",
            )


def _check_message(index: int, message: object) -> None:
    where = f"messages[{index}]"
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or role not in _MESSAGE_FIELDS:
        raise RefusedError(
            f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', "
            "'function', 'tool', and 'developer'.",
            param=f"{where}.role",
            code="invalid_value",
        )
    for name in message:
        if name not in _MESSAGE_FIELDS[role]:
            raise RefusedError(
                f"Unknown parameter: '{where}.{name}'.",
                param=f"{where}.{name}",
                code="unknown_parameter",
            )
    calls = message.get("tool_calls")
    if message.get("content") is None and not calls and not message.get("function_call"):
        raise RefusedError(
            "Invalid value for 'content': expected a string, got null.",
            param=f"messages.[{index}].content",
        )
    speaker = message.get("name")
    if speaker is not None and not _NAME.match(str(speaker)):
        raise RefusedError(
            f"Invalid '{where}.name': string does not match pattern. Expected a string that "
            "matches the pattern '^[^\\s<|\\\\/>]+$'.",
            param=f"{where}.name",
            code="invalid_value",
        )
    for number, call in enumerate(calls or ()):
        for name in ("id", "type", "function"):
            if not call.get(name):
                param = f"{where}.tool_calls[{number}].{name}"
                raise RefusedError(
                    f"Missing required parameter: '{param}'.",
                    param=param,
                    code="missing_required_parameter",
                )


def _check_pairing(messages: Sequence[Mapping[str, Any]]) -> None:
    """Every call is followed by its answers at once, and no answer comes without its call."""
    waiting: dict[str, None] = {}
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                raise RefusedError(_ANSWER_WITHOUT_CALL, param=f"messages.[{index}].role")
            del waiting[message["tool_call_id"]]
            continue
        if waiting:
            raise RefusedError(
                _CALLS_WITHOUT_ANSWER + ", ".join(waiting), param=f"messages.[{index}].role"
            )
        waiting = {call["id"]: None for call in message.get("tool_calls") or ()}
    if waiting:
        raise RefusedError(
            _CALLS_WITHOUT_ANSWER + ", ".join(waiting), param=f"messages.[{len(messages)}].role"
        )


def _id(prefix: str, length: int) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def message_of(reply: Say | Call, *, legacy: bool) -> dict[str, Any]:
    """The assistant message; `legacy` clients that offered `functions` get a `function_call`."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.text,
        "refusal": None,
        "annotations": [],
    }
    if not isinstance(reply, Call):
        return message
    functions = [
        {"name": call.name, "arguments": json.dumps(dict(call.arguments))} for call in reply.calls
    ]
    if legacy:
        message["function_call"] = functions[0]
    else:
        message["tool_calls"] = [
            {"id": call.id or _id("call_", 24), "type": "function", "function": function}
            for call, function in zip(reply.calls, functions, strict=True)
        ]
    return message


def completion(body: Mapping[str, Any], reply: Say | Call) -> dict[str, Any]:
    """The whole answer: `chat.completion`. Token counts are estimates (four characters each)."""
    message = message_of(reply, legacy=bool(body.get("functions")) and not body.get("tools"))
    prompt, answer = (max(1, len(json.dumps(part)) // 4) for part in (body["messages"], message))
    reason = (
        "tool_calls"
        if "tool_calls" in message
        else "function_call"
        if "function_call" in message
        else "stop"
    )
    return {
        "id": _id("chatcmpl-", 29),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_sandbox",
    }


def chunks(answer: Mapping[str, Any], *, usage: bool) -> Iterator[dict[str, Any]]:
    """The same in pieces, `chat.completion.chunk`, the usage last if it was asked for."""
    common = {
        key: answer[key] for key in ("id", "created", "model", "service_tier", "system_fingerprint")
    }
    common["object"] = "chat.completion.chunk"
    choice = answer["choices"][0]
    message = choice["message"]

    def piece(delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {
            **common,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}],
        }

    yield piece(
        {"role": "assistant", "content": "" if message["content"] else None, "refusal": None}
    )
    for word in re.findall(r"\S+\s*|\s+", message["content"] or ""):
        yield piece({"content": word})
    for index, call in enumerate(message.get("tool_calls", ())):
        yield piece({"tool_calls": [{"index": index, **call}]})
    if "function_call" in message:
        yield piece({"function_call": message["function_call"]})
    yield piece({}, choice["finish_reason"])
    if usage:
        yield {**common, "choices": [], "usage": answer["usage"]}
