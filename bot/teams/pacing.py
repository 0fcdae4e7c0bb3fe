"""Pacing: Teams limits how fast a bot may send into each conversation.

Paced before Teams has to say 429, and held back by what a 429 says, for that conversation only.
Kept in memory: after a restart the worst that can happen is a 429.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from countersign.approvals.errors import BusyError
from countersign.bot.teams.connector import ConnectorError

T = TypeVar("T")

WINDOWS = ((7, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""Messages in so many seconds, for one bot in one conversation; updates are counted as well, which
is more than is documented. Source: learn.microsoft.com, "Optimize your bot with rate limiting in
Teams", per bot per thread limit, as recorded 2026-11-22; read again 2026-11-25, where it says that
the values may change and 429 is to be minded."""
LONGEST_WAIT_S = 2.0
"""A longer wait belongs to the row that is delivered: nobody holds a place for it."""
APART_S = 0.5
"""Between two that are sent away: the rate of the third window."""
SWEPT_EVERY = 1000
"""Turns after which conversations are forgotten that were silent for the longest window."""


@dataclass
class _Conversation:
    sent: deque[float] = field(default_factory=deque)
    """When, also of those that still wait for their turn."""
    not_before: float = 0.0
    sent_away: int = 0


class Pacing:
    """Turns to send, by conversation, in the order in which they were asked for."""

    def __init__(
        self,
        windows: tuple[tuple[int, float], ...] = WINDOWS,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ):
        self._windows, self._monotonic, self._sleep = windows, monotonic, sleep
        self._longest_s = max((seconds for _, seconds in windows), default=0.0)
        self._conversations: dict[str, _Conversation] = {}
        self._turns = 0
        self._lock = threading.Lock()

    async def send(self, conversation_id: str, call: Callable[[], Awaitable[T]]) -> T:
        """The value of `call`, made when it is its turn.

        Raises BusyError, without a call, if that is too far away: come again after
        `retry_after_s`. A 429 that `call` raises holds back what follows in this conversation.
        """
        with self._lock:
            wait_s = self._turn(conversation_id)
        while wait_s > 0:
            await self._sleep(wait_s)
            with self._lock:
                wait_s = self._held_back(conversation_id)
        try:
            return await call()
        except ConnectorError as error:
            if error.status == 429:
                with self._lock:
                    self._hold(conversation_id, error.retry_after_s or APART_S)
            raise

    def busy_s(self, conversation_id: str) -> float:
        """Seconds after which to come again, if `send` would raise BusyError now; 0 if not.

        In any thread.
        """
        with self._lock:
            known = self._conversations.get(conversation_id)
            if known is None:
                return 0.0
            now = self._monotonic()
            return self._away_s(known, self._next_at(known, now) - now)

    def _turn(self, conversation_id: str) -> float:
        """Take the next turn; the seconds until it comes. Raises BusyError."""
        now = self._monotonic()
        self._sweep(now)
        known = self._conversations.setdefault(conversation_id, _Conversation())
        at = self._next_at(known, now)
        self._require_soon(known, at - now)
        known.sent_away = 0
        known.sent.append(at)
        return at - now

    def _held_back(self, conversation_id: str) -> float:
        """How much longer to wait, if a 429 came meanwhile. Raises BusyError."""
        known = self._conversations[conversation_id]
        wait_s = max(0.0, known.not_before - self._monotonic())
        self._require_soon(known, wait_s)
        return wait_s

    def _require_soon(self, known: _Conversation, wait_s: float) -> None:
        if (away_s := self._away_s(known, wait_s)) > 0:
            raise BusyError(
                "As many messages as Teams allows were sent into this conversation.",
                retry_after_s=away_s,
            )

    def _away_s(self, known: _Conversation, wait_s: float) -> float:
        if wait_s <= LONGEST_WAIT_S:
            return 0.0
        known.sent_away += 1
        return wait_s + (known.sent_away - 1) * APART_S

    def _next_at(self, known: _Conversation, now: float) -> float:
        free = (self._free_at(known, *window) for window in self._windows)
        return max(now, known.not_before, *free)

    def _free_at(self, known: _Conversation, count: int, seconds: float) -> float:
        return known.sent[-count] + seconds if len(known.sent) >= count else 0.0

    def _hold(self, conversation_id: str, retry_after_s: float) -> None:
        known = self._conversations.setdefault(conversation_id, _Conversation())
        known.not_before = max(known.not_before, self._monotonic() + retry_after_s)

    def _sweep(self, now: float) -> None:
        self._turns += 1
        if self._turns % SWEPT_EVERY:
            return
        for conversation_id, known in list(self._conversations.items()):
            while known.sent and known.sent[0] < now - self._longest_s:
                known.sent.popleft()
            if not known.sent and known.not_before < now:
                del self._conversations[conversation_id]
