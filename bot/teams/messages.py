"""Outgoing messages: a text or a card, as plain values that know no classes of the vendor."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.approvals.models import JsonObject
from countersign.connectors.conversing.said import Text as Text

CARD_TYPE = "application/vnd.microsoft.card.adaptive"


@dataclass(frozen=True)
class Card:
    """A message that is one Adaptive Card; `summary` is what notifications show."""

    content: JsonObject
    summary: str


Message = Text | Card
