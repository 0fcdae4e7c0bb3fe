"""The time of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from typing_extensions import override

from countersign.agents.leases import elapsed_s
from countersign.approvals.ports import Clock

log = structlog.get_logger(__name__)

TOLERATED = timedelta(seconds=5)
"""What time servers correct now and then; a clock that is further off was set."""
DOUBTED_S = 60.0
"""For so long a clock that was set is not believed: it may be set back at once, and nothing that
people have hours for shall expire by that."""


def _wall() -> datetime:
    return datetime.now(UTC)


class SystemClock(Clock):
    """Implements `approvals.ports.Clock`: the wall clock, but for jumps that do not last.

    While it is not believed, and where it is a little behind, time passes by the clock that nobody
    can set. It goes back only with a wall clock that was set back and stays so.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = _wall,
        elapsed: Callable[[], float] = elapsed_s,
    ) -> None:
        self._wall, self._elapsed = wall, elapsed
        self._latest, self._latest_s = wall(), elapsed()
        self._jumped_s: float | None = None
        """When it was first seen that the wall clock was set; None if it is as it should be."""
        self._lock = threading.Lock()

    @override
    def now(self) -> datetime:
        with self._lock:
            wall, elapsed = self._wall(), self._elapsed()
            passed = self._latest + timedelta(seconds=max(0.0, elapsed - self._latest_s))
            self._latest = self._believed(wall, passed, elapsed)
            self._latest_s = elapsed
            return self._latest

    def _believed(self, wall: datetime, passed: datetime, elapsed: float) -> datetime:
        if abs(wall - passed) <= TOLERATED:
            self._jumped_s = None
            return max(self._latest, wall)
        if self._jumped_s is None:
            self._jumped_s = elapsed
            log.warning("clock was set", by_s=(wall - passed).total_seconds(), waits_s=DOUBTED_S)
        if elapsed - self._jumped_s < DOUBTED_S:
            return passed
        log.warning("clock believed", at=wall.isoformat())
        self._jumped_s = None
        return wall
