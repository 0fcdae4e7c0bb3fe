"""Time that moves only when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from countersign.bot.clock import SystemClock

START = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)


class ManualClock:
    """Implements `approvals.ports.Clock`."""

    def __init__(self, at: datetime = START):
        self._now = at

    def now(self) -> datetime:
        """The time that was set last."""
        return self._now

    def advance(
        self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0
    ) -> datetime:
        """Let so much time pass; returns the new time."""
        passed = timedelta(seconds=seconds, minutes=minutes, hours=hours)
        if passed < timedelta():
            raise ValueError("time does not go back")
        self._now += passed
        return self._now

    def set_back(self, seconds: float) -> None:
        """It was ahead by so much, and is right again."""
        self._now -= timedelta(seconds=seconds)


class DifferingClock(ManualClock):
    """That of another server, which differs from the first one by so much."""

    def __init__(self, first: ManualClock):
        super().__init__()
        self._first, self.by_s = first, 0.0

    def now(self) -> datetime:
        """The time of the first one, and the difference."""
        return self._first.now() + timedelta(seconds=self.by_s)


class MovableClock(SystemClock):
    """The time of this machine, which a test may put forward."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The machine's time and what was added."""
        return super().now() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._ahead += timedelta(seconds=seconds)
