"""Brakes of our own on what agents propose: loops, and more than people can be asked.

All is read from the chat itself, so that it holds across pauses and restarts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from countersign.agents.calls import RATIONALE, has_calls
from countersign.agents.classic.chat import Message
from countersign.approvals.models import Cause, Outcome, Value

WARNINGS = 3
"""So often the same calls are refused before the session ends."""
_DENIED = frozenset(
    {Cause.DENIED_BY_POLICY, Cause.INVALID_ARGUMENTS, Cause.REJECTED, Cause.EXPIRED, Cause.LIMIT}
)


class Brakes(Value):
    """How much agents may propose. Each default is far above what useful chats do."""

    requests_per_message: int = Field(default=20, ge=1)
    """Calls in one message of an agent; nothing of a longer one is asked or run."""
    requests_per_session: int = Field(default=500, ge=1)
    identical_calls: int = Field(default=10, ge=1)
    """Messages in a row with the very same calls; the next ones are refused, then the session
    ends."""
    denied_calls: int = Field(default=10, ge=1)
    """Messages in a row of which no call was let run, by a rule or by people."""
    silent_answers: int = Field(default=5, ge=1)
    """Answers of the model in a row without words and calls."""


@dataclass(frozen=True)
class Refusal:
    """Why a message's calls are not even asked, for the agents and for people."""

    limit: str
    """The setting's name."""
    words: str
    retry: bool = False
    ends: bool = False
    """Whether the chat ends with it."""


ASK_FIRST = Refusal("", "A person is asked first how to go on.")
"""AutoGen's TERMINATE at its limit: the answer of a person decides, and the gate comes after it."""
ENDED_BY_PERSON = Refusal("ended_by_person", "A person ended the chat.", ends=True)


def refusal(messages: Sequence[Message], brakes: Brakes) -> Refusal | None:
    """Why the calls of the last message are refused; None if they are not."""
    asked = len(_calls(messages[-1]))
    if asked > brakes.requests_per_message:
        words = (
            f"{asked} calls in one message are too many: at most {brakes.requests_per_message} "
            "may stand in one. Nothing of it was asked or run."
        )
        return Refusal("requests_per_message", words, retry=True)
    before = sum(len(_calls(message)) for message in messages[:-1])
    if before + asked > brakes.requests_per_session:
        words = f"The session has reached its limit of {brakes.requests_per_session} calls."
        return Refusal("requests_per_session", words, ends=before > brakes.requests_per_session)
    again = identical_in_a_row(messages, at_most=brakes.identical_calls + WARNINGS + 1)
    if again > brakes.identical_calls:
        words = (
            f"The same call with the same arguments was proposed {again} times in a row "
            f"({_names(messages[-1])})."
        )
        ends = again > brakes.identical_calls + WARNINGS
        return Refusal("identical_calls", words, ends=ends)
    denied = denied_in_a_row(messages, at_most=brakes.denied_calls)
    if denied >= brakes.denied_calls:
        words = (
            f"{denied} times in a row nothing that was proposed was let run, and it is proposed "
            f"again ({_names(messages[-1])})."
        )
        return Refusal("denied_calls", words, ends=True)
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
        told = json.loads(text)
    except ValueError:
        return False
    return told.get("status") == Outcome.NOT_EXECUTED and told.get("cause") in _DENIED
