"""How long a system asks us to wait, by its own clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_S = 900.0


def retry_after_s(headers: Mapping[str, str], *, reset: str = "") -> float | None:
    """Seconds to wait, at most 15 minutes; None if the answer does not say.

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
    return None if seconds is None else min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


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
