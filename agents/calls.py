"""Proposed tool calls: what is asked and why, and whether it fits the tool."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.approvals.audit.canonical import canonical_arguments, well_formed
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import JsonObject
from countersign.approvals.rules import arguments as argument_rules
from countersign.approvals.strict_json import TwiceError, read_json

RATIONALE = "rationale"
"""The argument in which the model says why; taken off before the digest and the tool."""
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


@dataclass(frozen=True)
class AskedCall:
    """A call as a model has written it."""

    tool: str
    arguments: object
    """JSON text, or the object that was read from it."""
    provider_id: object
    words: str
    """Its last words before the call, or with it: the reason if it gave no other."""


@dataclass(frozen=True)
class AnsweredCall:
    """A call and what the agents read as its result."""

    call: Call
    text: str


def read_calls(
    asked: Sequence[AskedCall],
    place: object,
    schemas: Mapping[str, JsonObject],
    elsewhere: Mapping[str, str],
) -> list[Call]:
    """The calls of one message, in order.

    `schemas` maps the tools of this executor to what they take, `elsewhere` tools to their other
    executors. Within a session no two messages have the same `place`, so no two calls share a call
    id.
    """
    calls = []
    for position, each in enumerate(asked):
        tool = well_formed(each.tool)
        schema = schemas.get(tool)
        parsed, rationale, problem = _read_arguments(each.arguments, schema)
        if schema is None:
            problem = _unknown(tool, schemas, elsewhere)
        provider_id = each.provider_id
        calls.append(
            Call(
                call_id=_call_id(place, position, provider_id),
                provider_id=None if provider_id is None else str(provider_id),
                tool=tool,
                arguments=parsed,
                rationale=well_formed(rationale or each.words),
                problem=problem,
            )
        )
    return calls


def _call_id(place: object, position: int, provider_id: object) -> str:
    number = f"{place}.{position}"
    if not provider_id:
        return number
    return f"{number}:{safe_id(provider_id)}"


def safe_id(provider_id: object) -> str:
    """The id that a model gave a call, as it stands in ours."""
    return _UNSAFE_ID.sub("_", str(provider_id))[:_ID_LENGTH]


def _read_arguments(text: object, schema: JsonObject | None) -> tuple[JsonObject, str, str | None]:
    """The arguments without the rationale, the rationale, and what is wrong with them."""
    text = text or "{}"
    raw: JsonObject = {"raw": text if isinstance(text, str) else repr(text)}
    try:
        parsed = read_json(text, unique=True) if isinstance(text, str) else text
    except TwiceError as exc:
        return (
            _kept(raw),
            "",
            f"The arguments are not clear: {exc.name} stands twice in one object.",
        )
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
    return {"raw": well_formed(str(raw["raw"]))}


def _unknown(tool: str, schemas: Mapping[str, Any], elsewhere: Mapping[str, str]) -> str:
    if tool in elsewhere:
        return (
            f"{tool} is executed by {elsewhere[tool]}. Call it in a message of its own, not "
            "together with tools of another executor."
        )
    return f"There is no tool {tool or 'without a name'}; there are: {', '.join(sorted(schemas))}."
