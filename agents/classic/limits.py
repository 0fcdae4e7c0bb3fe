"""Applies the limits on what agents propose to the messages of a chat.

All is read from the messages, so that it holds across pauses and restarts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from countersign.agents.calls import RATIONALE
from countersign.agents.classic.chat import Message
from countersign.agents.classic.messages import has_calls
from countersign.agents.limits import NotAsked, ProposalLimits
from countersign.approvals.models import Cause, Outcome

WARNINGS = 3
"""So often the same calls are refused before the session ends."""
_DENIED = frozenset(
    {Cause.DENIED_BY_POLICY, Cause.INVALID_ARGUMENTS, Cause.REJECTED, Cause.EXPIRED, Cause.LIMIT}
)


def reached(messages: Sequence[Message], limits: ProposalLimits) -> NotAsked | None:
    """The limit at which the calls of the last message are not asked; None if they are."""
    asked = len(_calls(messages[-1]))
    if asked > limits.requests_per_message:
        words = (
            f"{asked} calls in one message are too many: at most {limits.requests_per_message} "
            "may stand in one. Nothing of it was asked or run."
        )
        return NotAsked("requests_per_message", words, retry=True)
    # Most of a long chat is words, which are passed over without a step of Python for each.
    calling = [m for m in messages[:-1] if m.get("tool_calls") or m.get("function_call")]
    before = sum(len(_calls(message)) for message in calling)
    if before + asked > limits.requests_per_session:
        words = f"The session has reached its limit of {limits.requests_per_session} calls."
        return NotAsked("requests_per_session", words, ends=before > limits.requests_per_session)
    again = identical_in_a_row(
        [*calling, messages[-1]], at_most=limits.identical_calls + WARNINGS + 1
    )
    if again > limits.identical_calls:
        words = (
            f"The same call with the same arguments was proposed {again} times in a row "
            f"({_names(messages[-1])})."
        )
        ends = again > limits.identical_calls + WARNINGS
        return NotAsked("identical_calls", words, ends=ends)
    answering = [m for m in messages if m.get("tool_responses") or m.get("role") == "function"]
    denied = denied_in_a_row(answering, at_most=limits.denied_calls)
    if denied >= limits.denied_calls:
        words = (
            f"{denied} times in a row nothing that was proposed was let run, and it is proposed "
            f"again ({_names(messages[-1])})."
        )
        return NotAsked("denied_calls", words, ends=True)
    return None


def identical_in_a_row(messages: Sequence[Message], *, at_most: int) -> int:
    """How many messages with calls, the last one included, ask for the very same."""
    wanted, count = _asked(messages[-1]), 0
    for message in reversed(messages):
        if not has_calls(message):
            continue
        if _asked(message) != wanted:
            break
        count += 1
        if count == at_most:
            break
    return count


def denied_in_a_row(messages: Sequence[Message], *, at_most: int) -> int:
    """How many of the latest messages with results say that nothing was let run."""
    count = 0
    for message in reversed(messages):
        results = _results(message)
        if not results:
            continue
        if not all(map(_is_denied, results)):
            break
        count += 1
        if count == at_most:
            break
    return count


def _calls(message: Message) -> list[Any]:
    if message.get("tool_calls"):
        return list(message["tool_calls"])
    call = message.get("function_call")
    return [{"function": call}] if call else []


def _names(message: Message) -> str:
    functions = [call.get("function") or {} for call in _calls(message)]
    return ", ".join(sorted({str(function.get("name")) for function in functions}))


def _asked(message: Message) -> list[str]:
    return sorted(_one_asked(call.get("function") or {}) for call in _calls(message))


def _one_asked(function: Any) -> str:
    text = function.get("arguments")
    try:
        arguments = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return f"{function.get('name')} {text}"
    if isinstance(arguments, dict):
        arguments.pop(RATIONALE, None)
    return f"{function.get('name')} {json.dumps(arguments, sort_keys=True, default=str)}"


def _results(message: Message) -> list[str]:
    if message.get("tool_responses"):
        return [str(response.get("content")) for response in message["tool_responses"]]
    return [str(message.get("content"))] if message.get("role") == "function" else []


def _is_denied(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        result = json.loads(text)
    except ValueError:
        return False
    return result.get("status") == Outcome.NOT_EXECUTED and result.get("cause") in _DENIED
