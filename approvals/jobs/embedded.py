"""Jobs inside one process: ring after commit, and sweep what a lost doorbell left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection
from typing_extensions import override

from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.jobs.local import SLACK_S, LocalJobs
from countersign.approvals.ports import Job, Unit
from countersign.approvals.store import deliveries, leases

log = structlog.get_logger(__name__)


class EmbeddedJobs(LocalJobs):
    """Implements `approvals.ports.Jobs` for one process on one SQLite file."""

    @override
    def enqueue(self, unit: Unit, job: Job) -> None:
        unit.after_commit.append(lambda: self._ring(job))

    async def _begin(self) -> None:
        """No other process can be at work, because the file is locked by this one; so what a
        stopped process had taken is free at once."""
        sessions_freed, attempts_freed = await self._store.write(self._take_over)
        if sessions_freed or attempts_freed:
            log.info(
                "taken over from a stopped process",
                sessions=sessions_freed,
                deliveries=attempts_freed,
            )

    async def until_idle(self) -> None:
        """Wait until nothing is running or rung: for tests and for a graceful stop."""
        while self._running or self._later:
            await asyncio.wait(
                [*self._running.values(), asyncio.create_task(asyncio.sleep(SLACK_S))]
            )

    async def _end(self) -> None:
        """Nothing rings but commits of this process."""

    async def _find(self, now: datetime) -> Sequence[Job]:
        return await self._store.read(lambda c: due_jobs(c, now, kinds=self._handlers))

    def _take_over(self, connection: Connection) -> tuple[int, int]:
        now = self._clock.now()
        return leases.free_leases(connection, now=now), deliveries.free_attempts(
            connection, now=now
        )
