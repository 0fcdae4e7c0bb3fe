"""Doorbells that a test can listen to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from countersign.approvals.ports import Job
from countersign.approvals.store.after_commit import AFTER_COMMIT


class RecordingJobs:
    """Implements `approvals.ports.Jobs` without working: `rung` lists what a commit has rung."""

    def __init__(self) -> None:
        self.rung: list[Job] = []

    def enqueue(self, connection: Connection, job: Job) -> None:
        """Record `job` once the transaction has committed."""
        connection.info[AFTER_COMMIT].append(lambda: self.rung.append(job))

    def enqueue_here(self, connection: Connection, job: Job) -> None:
        """As `enqueue`."""
        self.enqueue(connection, job)

    def handle(self, kind: str, handler: Callable[[str], Awaitable[None]]) -> None:
        """Nothing is run."""

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    def take(self) -> list[Job]:
        """What was rung since the last call."""
        rung, self.rung = self.rung, []
        return rung
