"""Pacing of Teams: it limits how fast a bot may send into each conversation."""

from __future__ import annotations

from typing import Any

from countersign.bot.teams.connector_error import ConnectorError
from countersign.connectors.pacing import Pacing, Windows

WINDOWS: Windows = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""Messages in so many seconds, for one bot in one conversation; updates are counted as well, which
is more than is documented. Source: learn.microsoft.com, "Optimize your bot with rate limiting in
Teams", per bot per thread limit, as recorded 2026-11-22; read again 2026-11-25, where it says that
the values may change and 429 is to be minded."""
BUSY = "As many messages as Teams allows were sent into this conversation."


def paced_for_teams(windows: Windows = WINDOWS, **clock: Any) -> Pacing:
    """Turns to send, by conversation; `clock` as of `Pacing`."""
    return Pacing(windows, _held, busy=BUSY, **clock)


def _held(error: Exception) -> float | None:
    if isinstance(error, ConnectorError) and error.status == 429:
        return error.retry_after_s or 0.0
    return None
