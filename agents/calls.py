"""Reads the tool calls of a message: what is asked, by whom, why, and whether it fits the tool."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.agents.storable import storable
from countersign.approvals.audit.canonical import canonical_arguments
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject
from countersign.approvals.rules import arguments as argument_rules
from countersign.approvals.strict_json import read_json

RATIONALE = "rationale"
"""The argument in which the model says why; taken off before the digest and the tool."""
_NO_TEXT = (None, "", "None")
"""`GroupChat.append` turns the missing content of a tool call into the string "None"."""
_UNSAFE_ID = re.compile(r"[^A-Za-z0-9_.:-]")
_ID_LENGTH = 64


@dataclass(frozen=True)
class Call:
    """One call of a message. `problem` says why it cannot even be asked."""

    call_id: str
    provider_id: str | None
    """The model's own id, by which it expects the answer; providers omit and repeat them."""
    tool: str
    arguments: JsonObject
    rationale: str
    problem: str | None


def is_legacy(message: Mapping[str, Any]) -> bool:
    """Whether the message uses the old `function_call` and none of the new `tool_calls`."""
    return bool(message.get("function_call")) and not message.get("tool_calls")


def has_calls(message: Mapping[str, Any]) -> bool:
    """Whether the message asks for any tool."""
    return bool(message.get("tool_calls") or message.get("function_call"))


def read_calls(
    history: Sequence[Mapping[str, Any]],
    turn: int,
    schemas: Mapping[str, JsonObject],
    elsewhere: Mapping[str, str],
) -> list[Call]:
    """The calls of the last message, in order.

    `schemas` maps the tools of this executor to what they take, `elsewhere` tools to their other
    executors. Within a session no two turns share a number, so no two calls share a call id.
    """
    message = history[-1]
    said = _last_text(history)
    if is_legacy(message):
        raw = [{"id": message.get("id"), "function": message["function_call"]}]
    else:
        raw = list(message.get("tool_calls") or ())
    calls = []
    for position, entry in enumerate(raw):
        function = entry.get("function") or {}
        provider_id = entry.get("id")
        tool = storable(str(function.get("name") or ""))
        schema = schemas.get(tool)
        parsed, rationale, problem = _read_arguments(function.get("arguments"), schema)
        if schema is None:
            problem = _unknown(tool, schemas, elsewhere)
        calls.append(
            Call(
                call_id=_call_id(turn, position, provider_id),
                provider_id=None if provider_id is None else str(provider_id),
                tool=tool,
                arguments=parsed,
                rationale=storable(rationale or said),
                problem=problem,
            )
        )
    return calls


def text_of(message: Mapping[str, Any]) -> str:
    """What a message says in words; "" for calls and results without any."""
    content = message.get("content")
    if content in _NO_TEXT:
        return ""
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content)


def _call_id(turn: int, position: int, provider_id: object) -> str:
    number = f"{turn}.{position}"
    if not provider_id:
        return number
    return f"{number}:{_UNSAFE_ID.sub('_', str(provider_id))[:_ID_LENGTH]}"


def _read_arguments(text: object, schema: JsonObject | None) -> tuple[JsonObject, str, str | None]:
    """The arguments without the rationale, the rationale, and what is wrong with them."""
    text = text or "{}"
    raw: JsonObject = {"raw": text if isinstance(text, str) else repr(text)}
    try:
        parsed = read_json(text) if isinstance(text, str) else text
    except ValueError as exc:
        return _kept(raw), "", f"The arguments are not JSON: {exc}"
    if not isinstance(parsed, dict):
        return _kept(raw), "", "The arguments are not a JSON object."
    arguments = dict(parsed)
    rationale = ""
    properties = (schema or {}).get("properties", {})
    if RATIONALE in arguments and RATIONALE not in properties:
        rationale = str(arguments.pop(RATIONALE) or "")
    elif RATIONALE in arguments:
        rationale = str(arguments[RATIONALE])
    try:
        canonical_arguments(arguments)
    except (InvalidError, ValueError) as exc:  # a lone surrogate has no UTF-8 form: ValueError
        return _kept(raw), rationale, f"The arguments cannot be signed: {exc}"
    if schema is None:
        return arguments, rationale, None
    wrong = argument_rules.problems(schema, arguments)
    detail = "; ".join(f"{name}: {reason}" for name, reason in wrong.items())
    return arguments, rationale, f"The arguments do not fit: {detail}" if wrong else None


def _kept(raw: JsonObject) -> JsonObject:
    return {"raw": storable(str(raw["raw"]))}


def _unknown(tool: str, schemas: Mapping[str, Any], elsewhere: Mapping[str, str]) -> str:
    if tool in elsewhere:
        return (
            f"{tool} is executed by {elsewhere[tool]}. Call it in a message of its own, not "
            "together with tools of another executor."
        )
    return f"There is no tool {tool or 'without a name'}; there are: {', '.join(sorted(schemas))}."


def _last_text(history: Sequence[Mapping[str, Any]]) -> str:
    """The last words before (or with) the calls: the reason if the model gave no other."""
    for message in reversed(history):
        if message.get("role") not in ("tool", "function") and text_of(message):
            return text_of(message)
    return ""
