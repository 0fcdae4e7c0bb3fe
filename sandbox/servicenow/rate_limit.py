"""So many requests per user and hour, and the headers that say so.

Source: ServiceNow docs, "Inbound REST API rate limiting" (Australia, read 2026-11-25).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from countersign.sandbox.servicenow.errors import RestError
from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.people import User

RULE_ID = "c0de0000000000000000000000000401"


class RateLimit:
    """Counts by user; the count starts anew with the hour."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._hour: datetime | None = None
        self._made: Counter[str] = Counter()

    def count(self, user: User) -> dict[str, str]:
        """One request more: the headers of its answer. Raises RestError 429."""
        limit = self._options.rate_limit_per_hour
        if limit is None:
            return {}
        now = self._options.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._made = hour, Counter()
        self._made[user.user_name] += 1
        reset = hour + timedelta(hours=1)
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Reset": str(int(reset.timestamp())),
            "X-RateLimit-Rule": RULE_ID,
        }
        if self._made[user.user_name] > limit:
            left = {"Retry-After": str(int((reset - now).total_seconds()) + 1)}
            raise RestError(
                429,
                "Rate limit exceeded",
                f"The rate limit of {limit} requests per hour is exceeded",
                headers | left,
            )
        return headers
