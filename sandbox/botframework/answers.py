"""What the bot answered, or that it did not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from countersign.sandbox.botframework.world import CARD_TYPE


class BotUnreachableError(Exception):
    """The bot could not be reached, broke off, or did not answer in time."""


@dataclass(frozen=True)
class Answer:
    """What the bot answered to one activity."""

    activity: Mapping[str, Any]
    status: int
    body: Any
    """Parsed JSON, or text, or None."""

    @property
    def card(self) -> dict[str, Any] | None:
        """The card an invoke was answered with."""
        if (
            isinstance(self.body, dict)
            and self.body.get("type") == CARD_TYPE
            and isinstance(self.body.get("value"), dict)
        ):
            card: dict[str, Any] = self.body["value"]
            return card
        return None

    @property
    def status_code(self) -> int | None:
        """The `statusCode` inside the answer to an invoke."""
        return self.body.get("statusCode") if isinstance(self.body, dict) else None

    @property
    def text(self) -> str | None:
        """The text or the error message an invoke was answered with instead of a card."""
        value = self.body.get("value") if isinstance(self.body, dict) else None
        return (
            str(value.get("message"))
            if isinstance(value, dict) and "message" in value
            else (value if isinstance(value, str) else None)
        )
