"""AutoGen's console, switched off: a server has nobody at it, neither to read nor to type."""

from __future__ import annotations

from typing import Any

from approvals.errors import RefusedError


class QuietStream:
    """An IOStream that drops what agents print and refuses to read from standard input."""

    def print(self, *objects: Any, sep: str = " ", end: str = "\n", flush: bool = False) -> None:
        """Drop it: what was said is in the transcript."""

    def send(self, message: Any) -> None:
        """Drop the event."""

    def input(self, prompt: str = "", *, password: bool = False) -> str:
        """Refuse: whoever asks a person has to be an ApprovalProxy."""
        raise RefusedError(
            "An agent wanted to read from the console. Only an ApprovalProxy can ask people."
        )
