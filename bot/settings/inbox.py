"""The `inbox` section of `countersign.yaml`: for how long people stay signed in to the pages."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from countersign.approvals.models import Value
from countersign.approvals.rules.durations import Seconds


class InboxSettings(Value):
    """As it stands in the file."""

    idle: Seconds = 3600.0
    """A browser that is not used for so long is signed out."""
    longest: Seconds = 12 * 3600.0
    """Nobody stays signed in for longer, however much they do."""

    @model_validator(mode="after")
    def _idle_is_shorter(self) -> Self:
        if not 60 <= self.idle <= self.longest:
            raise ValueError("idle is at least 60s, and at most as long as longest")
        return self
