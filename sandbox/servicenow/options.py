"""The switches of the instance, and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal


@dataclass
class Options:
    """How the instance behaves; every switch may be turned while it runs."""

    clock_offset_s: float = 0.0
    """How far the instance's clock is ahead of ours."""
    rate_limit_per_hour: int | None = None
    """Requests a user may make; one more is answered 429."""
    approval_rule: Literal["any", "everyone"] = "any"
    """Whether one approval is enough for the record, or all that were asked must give theirs."""
    auto_approvals: str | None = None
    """The group whose members the instance's own flow asks when a change goes to Assess or
    Authorize; None: nobody is asked by itself."""
    token_lifetime_s: int = 1800
    """Of access tokens; the vendor's default."""

    def now(self) -> datetime:
        """The instance's time, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset_s)

    def stamp(self) -> str:
        """The instance's time as it is stored: UTC, no zone, whole seconds."""
        return as_stored(self.now())


def as_stored(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
