"""Outgoing messages: a text or a card, as plain values that know no classes of the vendor."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.approvals.models import JsonObject

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
TEXT_LIMIT = 20_000
"""Characters. Teams takes about 28 KB of a message including its envelope."""


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
class Card:
    """A message that is one Adaptive Card; `summary` is what notifications show."""

    content: JsonObject
    summary: str


Message = Text | Card
