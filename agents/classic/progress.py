"""What the agents said and proposed, in lines for the thread that people follow."""

from __future__ import annotations

import re

from countersign.agents.calls import has_calls, text_of
from countersign.agents.classic.chat import Chat, Message
from countersign.agents.storable import storable
from countersign.approvals.forms.wording import as_text

LINE_LENGTH = 300
"""Characters of one agent's words in the thread; the transcript has all of them."""
_TERMINATE = re.compile(r"\bTERMINATE\b")
_RESULT_ROLES = ("tool", "function")


class Progress:
    """Remembers up to where the thread has been told."""

    def __init__(self, chat: Chat):
        self._chat = chat
        self._told = 1  # the first message is the task, which the thread began with

    def skip(self) -> None:
        """Count everything said so far as told."""
        self._told = len(self._chat.messages)

    def lines(self, *, without: str = "") -> list[str]:
        """What was said since the last call, oldest first, but not the last words if they are
        these: whoever tells the answer tells them."""
        messages = self._chat.messages
        end = len(messages)
        if without and end > self._told and spoken(messages[-1]) == without:
            end -= 1
        lines = [
            line
            for index in range(self._told, end)
            if (line := _line(self._chat.author(index), messages[index]))
        ]
        self._told = len(messages)
        return lines


def spoken(message: Message) -> str:
    """The words of a message without the word that ends a chat."""
    words = storable(_TERMINATE.sub("", text_of(message)).strip())
    return words if any(character.isalnum() for character in words) else ""


def _line(author: str, message: Message) -> str:
    if message.get("role") in _RESULT_ROLES or message.get("tool_responses"):
        return ""
    words = " ".join(spoken(message).split())
    if len(words) > LINE_LENGTH:
        words = words[: LINE_LENGTH - 1] + "…"
    author, words = as_text(author), as_text(words)
    names = [as_text(name) for name in _proposed(message)]
    if not names:
        return f"**{author}**: {words}" if words else ""
    return f"**{author}** proposes {', '.join(names)}" + (f": {words}" if words else "")


def _proposed(message: Message) -> list[str]:
    if not has_calls(message):
        return []
    calls = message.get("tool_calls") or [{"function": message["function_call"]}]
    return [str((call.get("function") or {}).get("name") or "?") for call in calls]
