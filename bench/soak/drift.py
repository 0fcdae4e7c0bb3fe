"""Whether a series of samples is flat: the median of its last third over that of its first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Bound:
    """How far a figure may have moved at the end. `slack` is what it may move at any size."""

    what: str
    most: float
    slack: float = 0.0
    judged: bool = True
    """Whether it ends the run with an error; times depend on the machine and do not."""


BOUNDS: Mapping[str, Bound] = {
    "rss_mb": Bound("resident memory, MB", 1.05, 8.0),
    "threads": Bound("threads", 1.0, 2),
    "fds": Bound("file descriptors", 1.0, 8),
    "connections": Bound("connections to the database", 1.0, 2),
    "wal_kib": Bound("write-ahead log, KiB", 1.25, 16 * 1024),
    "jobs_queued": Bound("job engine: queued", 1.5, 50),
    "jobs_running": Bound("job engine: running", 1.5, 20),
    "jobs_ended": Bound("job engine: ended, not yet removed", 1.25, 200),
    "jobs_kib": Bound("job engine: tables, KiB", 1.5, 4 * 1024),
    "deliveries": Bound("cards on their way", 1.5, 50),
    "behind": Bound("sessions begun and not ended", 1.5, 20),
    "cpu_ms": Bound("CPU ms for a session", 1.15, judged=False),
    "p50_ms": Bound("asked to ended, p50 ms", 1.15, judged=False),
    "p99_ms": Bound("asked to ended, p99 ms", 1.5, judged=False),
    "database_kib": Bound("database, KiB: grows with its ledger", float("inf"), judged=False),
}


@dataclass(frozen=True)
class Drift:
    """One figure over the run."""

    name: str
    first: float
    last: float
    peak: float

    @property
    def bound(self) -> Bound:
        """How far it may move."""
        return BOUNDS[self.name]

    @property
    def ratio(self) -> float:
        """The last third over the first."""
        return self.last / self.first if self.first else 1.0 if not self.last else float("inf")

    @property
    def is_flat(self) -> bool:
        """Whether it stayed within its bound."""
        return self.last <= max(self.first * self.bound.most, self.first + self.bound.slack)


def drifts(samples: Sequence[Row]) -> list[Drift]:
    """Of every figure that was read each time, in the order of `BOUNDS`."""
    third = max(1, len(samples) // 3)
    found = []
    for name in BOUNDS:
        values = [float(sample[name]) for sample in samples if sample.get(name) is not None]
        if values and len(values) == len(samples):
            first, last = median(values[:third]), median(values[-third:])
            found.append(Drift(name, first, last, max(values)))
    return found


def leaks(samples: Sequence[Row]) -> list[Drift]:
    """What grew beyond its bound and does not depend on the speed of the machine."""
    return [drift for drift in drifts(samples) if drift.bound.judged and not drift.is_flat]
