"""Reads what a gated call came back with, as an agent has to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign.sandbox.openai.conversation import (
    Call,
    Conversation,
    ToolCall,
    ToolResult,
)


@dataclass(frozen=True)
class Outcome:
    """One call: what became of it and what really ran."""

    status: str
    """`executed`, `failed`, or the cause why it was not executed."""
    arguments: Mapping[str, Any]
    """The ones that ran, or those that were proposed."""
    result: Any = None
    words: str = ""
    """Feedback, error or message."""
    decided_by: str | None = None
    changed: bool = False
    retry: bool = False

    @property
    def executed(self) -> bool:
        """It ran, changed or not."""
        return self.status == "executed"


def read(result: ToolResult) -> Outcome:
    """The outcome of one answered call; the plain result of a tool is one that ran by rule."""
    value = result.value
    arguments = {name: given for name, given in result.arguments.items() if name != "rationale"}
    if isinstance(value, str) and value.startswith("Error:"):
        return Outcome("failed", arguments, words=value.removeprefix("Error:").strip())
    if not isinstance(value, Mapping) or "status" not in value:
        return Outcome("executed", arguments, result=value)
    status = str(value["status"])
    if status in ("executed", "executed_with_changes"):
        used = value.get("arguments_used")
        return Outcome(
            "executed",
            used if isinstance(used, Mapping) else arguments,
            result=_parsed(value.get("result")),
            decided_by=value.get("decided_by"),
            changed=isinstance(used, Mapping),
        )
    if status == "failed":
        return Outcome("failed", arguments, words=str(value.get("error") or "unknown error"))
    return Outcome(
        str(value.get("cause") or status),
        arguments,
        words=str(value.get("feedback") or value.get("message") or ""),
        decided_by=value.get("decided_by"),
        retry=bool(value.get("retry")),
    )


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def temporary(outcome: Outcome) -> bool:
    """A failure that may be gone the next time and surely changed nothing.

    The other side was down; it did not say no, and it is not in doubt whether it acted.
    """
    final = ("refused (HTTP 4", "refused (5", "refused the address", "not known")
    return outcome.status == "failed" and not any(mark in outcome.words for mark in final)


def call(conversation: Conversation, name: str, rationale: str, /, **arguments: Any) -> ToolCall:
    """A tool call, with the reason where the offered schema asks for one."""
    for tool in conversation.body.get("tools") or ():
        function = tool["function"]
        asked = function.get("parameters", {}).get("properties", {})
        if function["name"] == name and "rationale" in asked:
            return ToolCall(name, {**arguments, "rationale": rationale})
    return ToolCall(name, arguments)


def together(*calls: ToolCall, text: str | None = None) -> Call:
    """Calls made in one message."""
    return Call(calls, text)


def not_done(sure: str, unsure: str, outcome: Outcome) -> str:
    """A sentence on a call that was not executed, or of which nobody knows whether it was."""
    if outcome.status == "in_doubt":
        return f"It is not known whether {unsure}: a person is checking, and I will not repeat it."
    return f"{sure}: {why_not(outcome)}."


def why_not(outcome: Outcome) -> str:
    """Why a call did not run, as the second half of a sentence; empty if it ran."""
    said = f": {outcome.words.rstrip('.')}" if outcome.words else ""
    match outcome.status:
        case "executed":
            return ""
        case "rejected":
            who = outcome.decided_by or "the approver"
            return f"{who} rejected it{said}"
        case "expired":
            return "nobody decided before the deadline"
        case "denied_by_policy":
            return f"the policy forbids it{said}"
        case "in_doubt":
            return (
                "it is not known whether it went through, and a person is checking; "
                "I will not repeat it"
            )
        case "shadow":
            return "the rule only records proposals for now, so a person does it by hand"
        case "failed":
            return f"it failed{said}"
        case other:
            return f"it was not executed ({other}){said}"
