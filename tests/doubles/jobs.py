"""Doorbells that a test can listen to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from countersign.approvals.ports import Job, Unit


class RecordingJobs:
    """Implements `approvals.ports.Jobs` without working: `rung` lists what a commit has rung."""

    def __init__(self) -> None:
        self.rung: list[Job] = []
        self.later: list[tuple[Job, datetime]] = []

    def enqueue(self, unit: Unit, job: Job) -> None:
        """Record `job` once the transaction has committed."""
        unit.after_commit.append(lambda: self.rung.append(job))

    def enqueue_here(self, unit: Unit, job: Job, *, at: datetime | None = None) -> None:
        """As `enqueue`; what is only to be rung later is in `later`."""
        if at is None:
            self.enqueue(unit, job)
        else:
            unit.after_commit.append(lambda: self.later.append((job, at)))

    def handle(self, kind: str, handler: Callable[[str], Awaitable[None]]) -> None:
        """Nothing is run."""

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    def take(self, now: datetime | None = None) -> list[Job]:
        """What was rung since the last call, and what was to be rung by `now`."""
        rung = self.rung + [job for job, at in self.later if now is not None and at <= now]
        self.rung, self.later = [], [(job, at) for job, at in self.later if now is None or at > now]
        return rung
