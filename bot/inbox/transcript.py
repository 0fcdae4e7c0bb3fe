"""The chat as a page shows it: up to the message that proposes a call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from countersign.agents.calls import safe_id
from countersign.approvals.models import JsonObject

MESSAGES = 20
"""So many of a transcript are shown unless all are asked for."""
_CALL = re.compile(r"(?:[^:]*\.)?(?P<turn>\d+)\.\d+(?::(?P<id>.*))?", re.DOTALL)
"""How `agents.calls` names a call: chat, turn, position, and the id that the model gave it."""


@dataclass(frozen=True)
class Message:
    """One message of the chat."""

    who: str
    text: str
    calls: Sequence[str] = ()
    ids: Sequence[str] = ()
    """What the model has called its calls."""


def messages_of(
    transcript: Sequence[JsonObject], call_id: str, branch: str = ""
) -> Sequence[Message]:
    """The chat up to the message that proposes the call; all of it if that is not there. Of chats
    that work side by side that of the `branch`, if there is one."""
    found = [
        _message(message) for message in transcript if not branch or message.get("branch") == branch
    ]
    place = _place_of(found, call_id)
    return found if place is None else found[: place + 1]


def _place_of(messages: Sequence[Message], call_id: str) -> int | None:
    """Where the call is proposed. Some models use an id again in every message: of several messages
    it is the last that the call's turn can be, as each message with calls is a turn."""
    named = _CALL.fullmatch(call_id)
    if named is None or not named["id"]:
        return None
    calling = [n for n, message in enumerate(messages) if message.calls]
    within = calling[: int(named["turn"]) + 1]
    return next((n for n in reversed(within) if named["id"] in messages[n].ids), None)


def _message(message: JsonObject) -> Message:
    calls, ids = [], []
    for call in message.get("tool_calls") or ():
        if isinstance(call, dict):
            function: Any = call.get("function") or {}
            calls.append(f"{function.get('name')}({function.get('arguments')})")
            ids.append(safe_id(call.get("id") or ""))
    content = message.get("content")
    text = content if isinstance(content, str) else "" if content is None else str(content)
    who = str(message.get("name") or message.get("role") or "")
    return Message(who, text, calls, ids)
