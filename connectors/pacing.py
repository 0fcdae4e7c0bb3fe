"""Pacing: services limit how fast anything may be sent into each place.

Paced before the service has to say 429, and held back by what a 429 says, for that place only.
Kept in memory: after a restart the worst that can happen is a 429.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from countersign.approvals.errors import BusyError

T = TypeVar("T")

Windows: TypeAlias = tuple[tuple[int, float], ...]
"""So many in so many seconds, each of them."""
LONGEST_WAIT_S = 2.0
"""A longer wait belongs to the row that is delivered: nobody holds a place for it."""
APART_S = 0.5
"""Between two that are sent away."""
SWEPT_EVERY = 1000
"""Turns after which places are forgotten that were silent for the longest window."""


@dataclass
class _Place:
    sent: deque[float] = field(default_factory=deque)
    """When, also of those that still wait for their turn."""
    not_before: float = 0.0
    sent_away: int = 0


class Pacing:
    """Turns to send, by place, in the order in which they were asked for."""

    def __init__(
        self,
        windows: Windows,
        held: Callable[[Exception], float | None],
        *,
        busy: str,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ):
        """`held` says for how many seconds an error holds back what follows, None for not at all;
        0 for no longer than usual. `busy` is what whoever is sent away is told."""
        self._windows, self._monotonic, self._sleep = windows, monotonic, sleep
        self._held, self._busy = held, busy
        self._longest_s = max((seconds for _, seconds in windows), default=0.0)
        self._places: dict[str, _Place] = {}
        self._turns = 0
        self._lock = threading.Lock()

    async def send(self, place: str, call: Callable[[], Awaitable[T]]) -> T:
        """The value of `call`, made when it is its turn.

        Raises BusyError, without a call, if that is too far away: come again after
        `retry_after_s`. A 429 that `call` raises holds back what follows at this place.
        """
        with self._lock:
            wait_s = self._turn(place)
        while wait_s > 0:
            await self._sleep(wait_s)
            with self._lock:
                wait_s = self._held_back(place)
        try:
            return await call()
        except Exception as error:
            if (held_s := self._held(error)) is not None:
                with self._lock:
                    self._hold(place, held_s or APART_S)
            raise

    def busy_s(self, place: str) -> float:
        """Seconds after which to come again, if `send` would raise BusyError now; 0 if not.

        In any thread.
        """
        with self._lock:
            known = self._places.get(place)
            if known is None:
                return 0.0
            now = self._monotonic()
            return self._away_s(known, self._next_at(known, now) - now)

    def _turn(self, place: str) -> float:
        """Take the next turn; the seconds until it comes. Raises BusyError."""
        now = self._monotonic()
        self._sweep(now)
        known = self._places.setdefault(place, _Place())
        at = self._next_at(known, now)
        self._require_soon(known, at - now)
        known.sent_away = 0
        known.sent.append(at)
        return at - now

    def _held_back(self, place: str) -> float:
        """How much longer to wait, if a 429 came meanwhile. Raises BusyError."""
        known = self._places[place]
        wait_s = max(0.0, known.not_before - self._monotonic())
        self._require_soon(known, wait_s)
        return wait_s

    def _require_soon(self, known: _Place, wait_s: float) -> None:
        if (away_s := self._away_s(known, wait_s)) > 0:
            raise BusyError(self._busy, retry_after_s=away_s)

    def _away_s(self, known: _Place, wait_s: float) -> float:
        if wait_s <= LONGEST_WAIT_S:
            return 0.0
        known.sent_away += 1
        return wait_s + (known.sent_away - 1) * APART_S

    def _next_at(self, known: _Place, now: float) -> float:
        free = (self._free_at(known, *window) for window in self._windows)
        return max(now, known.not_before, *free)

    def _free_at(self, known: _Place, count: int, seconds: float) -> float:
        return known.sent[-count] + seconds if len(known.sent) >= count else 0.0

    def _hold(self, place: str, retry_after_s: float) -> None:
        known = self._places.setdefault(place, _Place())
        known.not_before = max(known.not_before, self._monotonic() + retry_after_s)

    def _sweep(self, now: float) -> None:
        self._turns += 1
        if self._turns % SWEPT_EVERY:
            return
        for place, known in list(self._places.items()):
            while known.sent and known.sent[0] < now - self._longest_s:
                known.sent.popleft()
            if not known.sent and known.not_before < now:
                del self._places[place]
