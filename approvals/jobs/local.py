"""Local jobs: what both implementations of `approvals.ports.Jobs` do in their own process.

A doorbell that cannot be answered now is dropped, not queued without end: the row stays due, and a
later sweep finds it.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from datetime import datetime
from functools import partial

import structlog
from typing_extensions import override

from countersign.approvals.errors import CountersignError
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import Clock, Job, Jobs, Store, Unit
from countersign.approvals.store import clock_ahead

log = structlog.get_logger(__name__)

CONCURRENCY = 64
"""Rows of one kind that are worked on at once."""
SWEEP_EVERY_S = 2.0
SLACK_S = 0.005
"""How much later than due a row is rung for: two clocks measure the wait."""
WAITING = 1000
"""Rows of one kind that may wait for a slot; more of them would only cost memory."""


class LocalJobs(Jobs, ABC):
    """Answers doorbells, a row never twice at once, and sweeps for what was never rung."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        concurrency: int = CONCURRENCY,
        sweep_every_s: float = SWEEP_EVERY_S,
    ):
        self._store = store
        self._clock = clock
        self._sweep_every_s = sweep_every_s
        self._handlers: dict[str, Callable[[str], Awaitable[None]]] = {}
        self._concurrency = concurrency
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._running: dict[Job, asyncio.Task[None]] = {}
        self._load: Counter[str] = Counter()
        self._again: set[Job] = set()
        self._later: dict[Job, tuple[datetime, asyncio.TimerHandle]] = {}
        """What is to be rung when its row is due, and since when."""
        self._each_sweep: list[Job] = []
        self._open = False
        self._sweep_fails = False
        self.observer: Observer = SILENT
        self.swept_at: datetime | None = None
        """When the last sweep succeeded; `/readyz` looks at it."""

    @override
    def handle(
        self,
        kind: str,
        handler: Callable[[str], Awaitable[None]],
        *,
        at_once: int | None = None,
    ) -> None:
        """Register the handler of `kind`; `at_once` where the handler itself sees to how much is
        done at once, and most of its work is only waiting."""
        self._handlers[kind] = handler
        # per kind, so that sessions waiting for a model never hold up a card
        self._slots[kind] = asyncio.Semaphore(at_once or self._concurrency)

    def each_sweep(self, job: Job) -> None:
        """Ring `job` at every sweep: its work is no row's."""
        self._each_sweep.append(job)

    @property
    def is_open(self) -> bool:
        """Whether doorbells are answered here: not before the first sweep, nor after `drain`."""
        return self._open

    @override
    def enqueue_here(self, unit: Unit, job: Job, *, at: datetime | None = None) -> None:
        ring = partial(self._ring, job) if at is None else partial(self._ring_at, job, at)
        unit.after_commit.append(ring)

    @override
    async def run(self) -> None:
        await self._begin()
        self._open = True
        try:
            while True:
                await self._sweep()
                await asyncio.sleep(self._pause_s())
        finally:
            await self._end()
            self._open = False
            for job in list(self._later):
                self._forget_later(job)
            await cancel(*self._running.values())

    def _pause_s(self) -> float:
        """Until the next sweep."""
        return self._sweep_every_s

    @abstractmethod
    async def until_idle(self) -> None:
        """Wait until nothing is running or rung: for tests and for a graceful stop."""

    async def drain(self) -> None:
        """Begin nothing more, on the way to a stop: rows stay due. Let what runs here end."""
        self._open = False
        while self._running:
            await asyncio.wait(list(self._running.values()))

    def trouble(self) -> str:
        """What is wrong beside the sweep, in words for operators; empty if nothing is."""
        return ""

    @abstractmethod
    async def _begin(self) -> None:
        """What comes before the first sweep; no doorbell is answered yet."""

    @abstractmethod
    async def _end(self) -> None:
        """What comes before the running work is cancelled."""

    @abstractmethod
    async def _find(self, now: datetime) -> Sequence[Job]:
        """One sweep: the rows to ring for. Raises UnavailableError."""

    async def _sweep(self) -> None:
        now = self._clock.now()
        try:
            if await self._store.read(lambda c: clock_ahead.is_any(c, now)):
                count = await self._store.write(lambda c: clock_ahead.bring_back(c, now))
                log.warning("rows were planned by a clock that was ahead", count=count)
            found = await self._find(now)
        except Exception as exc:  # whatever it is, the next sweep may work
            if not self._sweep_fails:
                unknown = not isinstance(exc, CountersignError)
                log.error("sweep failed", error=str(exc), exc_info=unknown)
            self._sweep_fails = True
            return
        if self._sweep_fails:
            log.info("sweep works again")
        self._sweep_fails = False
        for job in (*found, *self._each_sweep):
            self._ring(job)
        self.swept_at = now

    def _ring_at(self, job: Job, at: datetime) -> None:
        """Ring once its row is due, unless it is rung before for a later change of the row."""
        self._forget_later(job)
        now = self._clock.now()
        wait_s = (at - now).total_seconds() + SLACK_S
        timer = asyncio.get_running_loop().call_later(wait_s, self._ring, job)
        self._later[job] = now, timer

    def _forget_later(self, job: Job) -> None:
        if job in self._later:
            self._later.pop(job)[1].cancel()

    def _ring(self, job: Job) -> None:
        self._forget_later(job)
        if not self._open or job.kind not in self._handlers:
            return  # the next start-up sweep finds the row
        if job in self._running:
            self._again.add(job)  # it may have read its row before this change
            return
        if self._load[job.kind] >= self._concurrency + WAITING:
            return  # a later sweep finds the row, here or in another process
        self._load[job.kind] += 1
        work = self._work(job, time.perf_counter())
        # Of its own: it may be rung by one request, and carry on the work of another.
        task = asyncio.create_task(work, name=f"{job.kind}:{job.id}", context=Context())
        self._running[job] = task
        task.add_done_callback(lambda _: self._done(job))

    def _done(self, job: Job) -> None:
        self._running.pop(job, None)
        self._load[job.kind] -= 1
        if job in self._again:
            self._again.discard(job)
            self._ring(job)

    async def _work(self, job: Job, rung_s: float) -> None:
        async with self._slots[job.kind]:
            if not self._open:
                return  # it waited for its slot, and nothing is begun any more
            began_s, failed = time.perf_counter(), False
            self.observer.job_started(job.kind, waited_s=began_s - rung_s)
            try:
                await self._handlers[job.kind](job.id)
            except Exception:  # a worker loop: one bad row must not stop the others
                log.exception("job failed", kind=job.kind, id=job.id)
                failed = True
            took_s = time.perf_counter() - began_s
            self.observer.job_ended(job.kind, took_s=took_s, failed=failed)


async def cancel(*tasks: asyncio.Task[None]) -> None:
    """End tasks and wait for their ends, whatever those are."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
