"""How long one attempt to send may take, and when to come again."""

from __future__ import annotations

UNFORESEEN = "It failed in a way that is not foreseen; the log has more"
SEND_TIMEOUT_S = 60.0
"""Bounds one attempt; the channel has timeouts of its own below it."""
ATTEMPT_S = 90.0
"""How long an attempt keeps others off the row; more than SEND_TIMEOUT_S."""
BACKOFF_BASE_S, BACKOFF_MAX_S = 2.0, 900.0
TOLD_MAX_S = 3600.0
"""A `Retry-After` of more is asked again after so long."""
PROBE_S = 3600.0
"""How often a place is tried that is closed to us."""


def backoff_s(attempts: int, retry_after_s: float | None) -> float:
    """How long to wait after the n-th failed attempt; not less than what we were told, but for
    `TOLD_MAX_S`."""
    return max(min(BACKOFF_BASE_S * 2.0 ** min(attempts, 10), BACKOFF_MAX_S), told_s(retry_after_s))


def told_s(retry_after_s: float | None) -> float:
    """How long to wait as we were told."""
    return min(retry_after_s or 0.0, TOLD_MAX_S)
