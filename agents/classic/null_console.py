"""A null console: a server has nobody at AutoGen's, neither to read nor to type."""

from __future__ import annotations

from typing import Any

from autogen.events.agent_events import TerminationEvent

from countersign.agents.classic.chat import Chat
from countersign.approvals.errors import RefusedError


class NullConsole:
    """An IOStream that drops what agents print and refuses to read from standard input.

    It remembers why AutoGen said that the chat ends.
    """

    def __init__(self, chat: Chat | None = None):
        self._chat = chat
        self._reasons: list[str] = []
        self._said = 0

    def reasons(self) -> list[str]:
        """Why AutoGen ended the chat, in its words: an agent's reason, then its manager's.

        A chat within the chat ends with a reason as well, but then somebody speaks after it.
        """
        return self._reasons if self._said == self._count() else []

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        """Drop it: what was said is in the transcript."""

    def send(self, message: Any) -> None:
        """Drop the event, but for the reason of an end."""
        if isinstance(message, TerminationEvent):
            event: Any = message
            reason, count = str(event.content.termination_reason), self._count()
            self._reasons = [*(self._reasons if self._said == count else ()), reason]
            self._said = count

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        """Refuse: whoever asks a person has to be an ApprovalProxy."""
        raise RefusedError(
            "An agent wanted to read from the console. Only an ApprovalProxy can ask people."
        )

    def _count(self) -> int:
        return 0 if self._chat is None else len(self._chat.messages)
