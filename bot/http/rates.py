"""How often: a token bucket for each principal or address, and no more of them than fit."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from countersign.bot.http.settings import RateLimit

KEPT = 10_000
"""Buckets in memory. One that is dropped is full again: whoever is idle longest, loses least."""


class Rates:
    """Buckets by name. Each holds `burst` and gains `per_s` a second."""

    def __init__(self, limit: RateLimit, monotonic: Callable[[], float] = time.monotonic):
        self._limit, self._monotonic = limit, monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one; 0 if there was one, else the seconds until there is."""
        now = self._monotonic()
        left, at = self._buckets.pop(name, (float(self._limit.burst), now))
        left = min(left + (now - at) * self._limit.per_s, self._limit.burst)
        wait_s = max(0.0, (1.0 - left) / self._limit.per_s)
        self._buckets[name] = (left if wait_s else left - 1.0, now)
        if len(self._buckets) > KEPT:
            self._buckets.popitem(last=False)
        return wait_s
