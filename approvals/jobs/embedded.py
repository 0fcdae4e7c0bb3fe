"""Jobs inside one process: ring after commit, and sweep what a lost doorbell left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from approvals.errors import CountersignError
from approvals.follow_up import DELIVER, DOUBT, EXPIRE, LOOK, NOTIFY, POLL, RUN
from approvals.ports import Clock, Job, Store
from approvals.store import deliveries, requests, sessions, tickets
from approvals.store.sqlite import AFTER_COMMIT

log = structlog.get_logger(__name__)

Due = Callable[[Connection, datetime], Sequence[str]]
SWEEP_LIMIT = 500
"""Rows of one kind per sweep; the next sweep takes the rest."""
ORPHAN_GRACE = timedelta(seconds=30)
"""A tool that runs on after its session was cancelled may still report for this long unasked."""
DUE: Mapping[str, Due] = {
    RUN: lambda c, now: sessions.due(c, now, limit=SWEEP_LIMIT),
    DELIVER: lambda c, now: deliveries.due(c, now, limit=SWEEP_LIMIT),
    NOTIFY: lambda c, now: deliveries.conversations_with_notices(c, now, limit=SWEEP_LIMIT),
    DOUBT: lambda c, now: requests.orphaned(c, now - ORPHAN_GRACE, limit=SWEEP_LIMIT),
    EXPIRE: lambda c, now: requests.expiring(c, now, limit=SWEEP_LIMIT),
    LOOK: lambda c, now: tickets.due_looks(c, now, limit=SWEEP_LIMIT),
    POLL: lambda c, now: tickets.due_polls(c, now),
}


class EmbeddedJobs:
    """Implements `approvals.ports.Jobs` for one process on one SQLite file."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        concurrency: int = 64,
        sweep_every_s: float = 2.0,
    ):
        self._store = store
        self._clock = clock
        self._sweep_every_s = sweep_every_s
        self._handlers: dict[str, Callable[[str], Awaitable[None]]] = {}
        self._concurrency = concurrency
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._running: dict[Job, asyncio.Task[None]] = {}
        self._again: set[Job] = set()
        self._open = False
        self.swept_at: datetime | None = None
        """When the last sweep succeeded; `/readyz` looks at it."""

    def handle(self, kind: str, handler: Callable[[str], Awaitable[None]]) -> None:
        """See `approvals.ports.Jobs.handle`."""
        self._handlers[kind] = handler
        # per kind, so that sessions waiting for a model never hold up a card
        self._slots[kind] = asyncio.Semaphore(self._concurrency)

    def enqueue(self, connection: Connection, job: Job) -> None:
        """See `approvals.ports.Jobs.enqueue`."""
        connection.info[AFTER_COMMIT].append(lambda: self._ring(job))

    async def run(self) -> None:
        """See `approvals.ports.Jobs.run`. At start-up no other process can hold a lease, because
        the file is locked by this one; so every lease left behind is freed."""
        freed = await self._store.write(lambda c: sessions.free_leases(c, now=self._clock.now()))
        if freed:
            log.info("sessions of a stopped process taken over", sessions=freed)
        self._open = True
        try:
            while True:
                await self._sweep()
                await asyncio.sleep(self._sweep_every_s)
        finally:
            self._open = False
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Wait until nothing is running or rung: for tests and for a graceful stop."""
        while self._running:
            await asyncio.wait(list(self._running.values()))

    async def _sweep(self) -> None:
        now = self._clock.now()
        try:
            found = await self._store.read(
                lambda c: [
                    Job(kind=kind, id=row) for kind, due in DUE.items() for row in due(c, now)
                ]
            )
        except CountersignError as exc:
            log.error("sweep failed", error=str(exc))
            return
        for job in found:
            self._ring(job)
        self.swept_at = now

    def _ring(self, job: Job) -> None:
        if not self._open or job.kind not in self._handlers:
            return  # the next start-up sweep finds the row
        if job in self._running:
            self._again.add(job)  # it may have read its row before this change
            return
        task = asyncio.create_task(self._work(job), name=f"{job.kind}:{job.id}")
        self._running[job] = task
        task.add_done_callback(lambda _: self._done(job))

    def _done(self, job: Job) -> None:
        self._running.pop(job, None)
        if job in self._again:
            self._again.discard(job)
            self._ring(job)

    async def _work(self, job: Job) -> None:
        async with self._slots[job.kind]:
            try:
                await self._handlers[job.kind](job.id)
            except Exception:  # a worker loop: one bad row must not stop the others
                log.exception("job failed", kind=job.kind, id=job.id)
