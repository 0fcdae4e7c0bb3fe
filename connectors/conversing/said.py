"""A message that somebody has written, and the place in which it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from countersign.approvals.forms.values import value_text
from countersign.approvals.models import Actor, ConversationKey, Delivery, Principal, Request
from countersign.approvals.tickets import ActKey
from countersign.connectors.conversing.phrases import Command, Start, Unclear
from countersign.connectors.system import WorkflowInfo

Kind = Literal["personal", "group", "channel"]
TEXT_LIMIT = 20_000
"""Characters. Teams takes about 28 KB of a message including its envelope."""
PROMPT_ARGUMENT, MESSAGE_ARGUMENT = "prompt", "message"


@dataclass(frozen=True)
class Text:
    """A message of words. `markdown` only for words of our own: agents' words go as plain."""

    text: str
    markdown: bool = True

    @property
    def shortened(self) -> str:
        """The text within the limit, saying so if something was cut off."""
        if len(self.text) <= TEXT_LIMIT:
            return self.text
        return f"{self.text[:TEXT_LIMIT]}\n\n… ({len(self.text):,} characters in all)"


@dataclass(frozen=True)
class Said:
    """A message of words, by somebody whom the directory knows."""

    words: str
    """Without the mention of the app, without markup."""
    here: ConversationKey
    kind: Kind
    asker: Actor
    """Owns the sessions that it starts."""
    clicker: Actor
    """Decides what waits; the same, but in local clients that have one persona for two people."""
    owner: Principal
    """`asker`, who is known."""
    act: ActKey
    """Names the message for good: as an answer it counts once."""


class Surface(Protocol):
    """The place in which a message was written; each method answers there, in the background."""

    shows: str
    """What shows a request there: `card` or `message`."""
    wider_audience: bool
    """Whether more people are there than requests are shown to."""
    answer_limit: int
    """Characters that an answer may have."""

    def reply(self, text: Text) -> None:
        """Say it."""

    def repost(self, requests: Sequence[Request]) -> None:
        """Show again what waits; but not where more people are than it is shown to."""

    def can_ask(self, words: str) -> bool:
        """Whether buttons can carry what was written."""

    def ask_whether_answer(self, question: Request, wish: Command | Start | Unclear) -> None:
        """Ask whether it is the answer to this question, or what it looks like."""

    def ask_whether_start(self, workflow: WorkflowInfo, question: str) -> None:
        """Ask whether to start this with it; `question` is open there for somebody else."""

    def is_shown(self, deliveries: Sequence[Delivery], person: Principal) -> bool:
        """Whether a request with these deliveries is meant to be shown to the person there."""

    async def start(self, wish: Start) -> str:
        """Start a session; what is said of it. The same message starts it once."""


def prompt_of(request: Request) -> str:
    """What a question of an agent asks, as text."""
    prompt = request.arguments.get(PROMPT_ARGUMENT) or request.rationale
    message = request.arguments.get(MESSAGE_ARGUMENT)
    return as_said(message or prompt or "")


def as_said(said: object) -> str:
    """A message as it is; it is shown as text, in a block of its own."""
    return said if isinstance(said, str) else value_text(said)
