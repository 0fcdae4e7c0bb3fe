"""What a model's server may answer beside words and calls, as it is on the wire."""

from __future__ import annotations

from typing import Any

from countersign.sandbox.openai import Raw


def answer(
    content: str | None = None, *, reason: str = "stop", refusal: str | None = None, **more: Any
) -> Raw:
    """One choice, with the fields of the OpenAI API's chat completion object (read 2026-11-29)."""
    message = {"role": "assistant", "content": content, "refusal": refusal, **more}
    return choices({"index": 0, "message": message, "logprobs": None, "finish_reason": reason})


def choices(*found: Any) -> Raw:
    """An answer with these choices."""
    return Raw(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": list(found),
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
    )


FILTERED = answer(reason="content_filter")
REFUSED = answer(refusal="I cannot help with *that*.")
EMPTY = answer()
CUT_OFF = answer("The refund is", reason="length")
CALL_AS_TEXT = answer('<tool_call>{"name": "send_email", "arguments": {"to": "a"}}</tool_call>')
CALL_AS_JSON = answer('```json\n{"name": "send_email", "arguments": {"to": "a"}}\n```')
MALFORMED = {
    "no choices": choices(),
    "choices null": Raw({**choices().body, "choices": None}),
    "choices missing": Raw({"id": "x", "object": "chat.completion"}),
    "message null": choices({"index": 0, "message": None, "finish_reason": "content_filter"}),
    "no object": Raw(["nothing"]),
    "no function": answer(tool_calls=[{"id": "1", "type": "function", "function": None}]),
}
