"""Back-off: how long to wait before the next attempt, and how long a system asks us to wait."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

UNFORESEEN = "It failed in a way that is not foreseen; the log has more"
SEND_TIMEOUT_S = 60.0
"""Bounds one attempt; the channel has timeouts of its own below it."""
ATTEMPT_S = 90.0
"""How long an attempt keeps others off the row; more than SEND_TIMEOUT_S."""
SECOND_LOOK_S = 120.0
"""How long a message that a dead server was drawing again may still change behind our back: what an
attempt may take, and as much on its way."""
BACKOFF_BASE_S, BACKOFF_MAX_S = 2.0, 900.0
RETRY_AFTER_MAX_S = 3600.0
"""A `Retry-After` of more is asked again after so long."""
PROBE_S = 3600.0
"""How often a place is tried that is closed to us."""
_DOUBLINGS = 60


def backoff_s(
    attempt: int,
    base_s: float,
    longest_s: float,
    retry_after_s: float | None = None,
    jitter: float = 1.0,
) -> float:
    """Seconds to wait: `base_s` doubled `attempt` times, at most `longest_s`, times `jitter`.

    Not less than the system asked for with `retry_after_s`, up to `RETRY_AFTER_MAX_S`. State and
    chance are the caller's: `attempt` counts from 0, `jitter` is a number that was drawn.
    """
    grown_s = min(base_s * 2.0 ** min(attempt, _DOUBLINGS), longest_s)
    return max(grown_s * jitter, capped_s(retry_after_s))


def capped_s(retry_after_s: float | None) -> float:
    """How long to wait as we were asked, at most `RETRY_AFTER_MAX_S`; 0 if we were not."""
    return min(retry_after_s or 0.0, RETRY_AFTER_MAX_S)


def retry_after(
    headers: Mapping[str, str], *, reset: str = "", longest_s: float = RETRY_AFTER_MAX_S
) -> float | None:
    """Seconds to wait, at most `longest_s`; None if the answer does not say.

    `Retry-After` is a number, also with a fraction, or an HTTP date; the header named `reset` is a
    Unix time. Both are compared with the answer's own `Date`, not with our clock. Source: RFC 9110,
    10.2.3; fractions and the reset header are what vendors really send.
    """
    now = http_date(headers.get("Date", "")) or datetime.now(UTC)
    asked = headers.get("Retry-After", "").strip()
    seconds = _number(asked)
    if seconds is None and (at := http_date(asked)) is not None:
        seconds = (at - now).total_seconds()
    if seconds is None and reset:
        at_s = _number(headers.get(reset, ""))
        seconds = None if at_s is None else at_s - now.timestamp()
    return None if seconds is None else min(max(seconds, 0.0), longest_s)


def http_date(text: str) -> datetime | None:
    """An HTTP date as aware UTC; None if it is none."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
