"""What the agents said and proposed, in lines for the thread that people follow."""

from __future__ import annotations

import re

from typing_extensions import override

from countersign.agents.classic.chat import Chat, Message
from countersign.agents.classic.messages import has_calls, text_of
from countersign.agents.ports import Progress
from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.forms.wording import as_text

LINE_LENGTH = 300
"""Characters of one agent's words in the thread; the transcript has all of them."""
_TERMINATE = re.compile(r"\bTERMINATE\b")
_RESULT_ROLES = ("tool", "function")


class ChatProgress(Progress):
    """Remembers up to where the thread has been written."""

    def __init__(self, chat: Chat):
        self._chat = chat
        self._written = 1  # the first message is the task, with which the thread began

    @override
    def skip(self) -> None:
        self._written = len(self._chat.messages)

    @override
    def lines(self, *, without: str = "") -> list[str]:
        messages = self._chat.messages
        end = len(messages)
        if without and end > self._written and spoken(messages[-1]) == without:
            end -= 1
        lines = [
            line
            for index in range(self._written, end)
            if (line := _line(self._chat.author(index), messages[index]))
        ]
        self._written = len(messages)
        return lines


def spoken(message: Message) -> str:
    """The words of a message without the word that ends a chat."""
    words = well_formed(_TERMINATE.sub("", text_of(message)).strip())
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
