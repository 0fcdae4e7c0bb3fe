"""Jobs of several processes on one PostgreSQL database: Procrastinate carries the doorbells.

A doorbell is stored in the caller's transaction. Whichever process hears it first looks at the row
by itself, at once, and has done with the doorbell; what it does then is kept from others by the row
(leases, due times), never by Procrastinate, which delivers at least once and does not fence. So the
loss of all its tables, of its worker or of a process costs at most the time until the next sweep.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import procrastinate
import structlog
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Connection
from typing_extensions import override

from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.jobs.local import SWEEP_EVERY_S, LocalJobs, cancel
from countersign.approvals.ports import Clock, Job, Store, Unit
from countersign.approvals.store import doorbells
from countersign.approvals.store.postgres import connect_arguments
from countersign.approvals.store.urls import parse

log = structlog.get_logger(__name__)

POLL_S = 0.2
"""Between looks for doorbells without a notification: what is put back has none, and one that comes
while the worker looks is forgotten (about one in a hundred)."""
HEARTBEAT_S = 5.0
SILENT_S = 20.0
"""A worker that was not heard of for so long is taken for dead, in the database's time."""
HEARING = 8
"""Doorbells heard at once; each takes two statements."""
MANY, MANY_WITHIN_S = 50, 0.05
"""Where doorbells follow each other as fast as this, so many more are heard with one statement:
one by one a process hears a few hundred in a second."""
POOL_SIZE = 4
"""Connections for these statements; one more listens."""
POOL_TIMEOUT_S = 5.0
RESTART_S = 0.5
STOP_S = 5.0
TOLERATED_S = 30.0
"""How long nobody may hear doorbells here before `/readyz` says so; the sweep works meanwhile."""
TURNS = 0.25
"""How much the time between two sweeps varies, so that all processes have their turns: the one that
sweeps rings itself."""
MAX_SKEW_S = 10.0
"""How far this machine's clock may be off: leases of 30 s are renewed every 10 s."""


@dataclass(frozen=True)
class _Seen:
    turn: bool
    """It is this process that sweeps now."""
    heard: bool
    """Our own worker is alive."""
    time: datetime
    """The database's."""


class ProcrastinateJobs(LocalJobs):
    """Implements `approvals.ports.Jobs` for any number of processes on one database."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        url: str,
        *,
        sweep_every_s: float = SWEEP_EVERY_S,
        **options: Any,
    ):
        super().__init__(store, clock, sweep_every_s=sweep_every_s, **options)
        self._connect = _parameters(url)
        self._listening: tuple[asyncio.Task[None], ...] = ()
        self._worker: Worker | None = None
        self._deaf_since: float | None = None
        self._said = False
        self._skew_s = 0.0
        self._heard_at_s = 0.0
        self.restarts = 0
        """How often the worker had to be started again."""

    @override
    def enqueue(self, unit: Unit, job: Job) -> None:
        doorbells.ring(unit.connection, job, self._clock.now())

    async def until_idle(self) -> None:
        """Wait until nothing is running here and no doorbell is unheard anywhere: for tests."""
        while True:
            if self._running:
                await asyncio.wait(list(self._running.values()))
            elif await self._store.read(doorbells.waiting) or self._running or self._later:
                await asyncio.sleep(0.01)
            else:
                return

    @override
    async def drain(self) -> None:
        """Begin nothing more; doorbells are left to the other processes."""
        self._open = False
        await self._end()
        await super().drain()

    @override
    def trouble(self) -> str:
        if abs(self._skew_s) > MAX_SKEW_S:
            return (
                f"this machine's clock is {self._skew_s:+.1f} s off the database's; "
                "synchronise both (NTP)"
            )
        if self._deaf_since is not None:
            deaf_s = asyncio.get_running_loop().time() - self._deaf_since
            if deaf_s > TOLERATED_S:
                return f"no doorbells for {deaf_s:.0f} s; only sweeps find work"
        return ""

    def _pause_s(self) -> float:
        return self._sweep_every_s * random.uniform(1 - TURNS, 1 + TURNS)  # noqa: S311 - no secret

    async def _begin(self) -> None:
        self._deaf_since = asyncio.get_running_loop().time()
        self._listening = (asyncio.create_task(self._listen(), name="doorbells"),)

    async def _end(self) -> None:
        try:
            async with asyncio.timeout(STOP_S):
                await cancel(*self._listening)
        except TimeoutError:
            log.warning("job worker does not stop; what it has taken is put back by others")

    async def _find(self, now: datetime) -> Sequence[Job]:
        worker = self._worker
        number = None if worker is None else worker.worker_id
        seen = await self._store.write(lambda c: self._look_around(c, number))
        self._skew_s = _off_s(now, seen.time, self._clock.now())
        if seen.heard:
            self._hears()
        elif worker is not None and number is not None:
            # It was frozen, or its heart stopped, which it does not notice itself.
            worker.stop()  # type: ignore[no-untyped-call]
        if not seen.turn:
            return ()
        return await self._store.read(lambda c: due_jobs(c, now, kinds=self._handlers))

    def _look_around(self, connection: Connection, worker_id: int | None) -> _Seen:
        least_s = self._sweep_every_s * (1 - TURNS) * 0.9  # a process alone sweeps every time
        turn = self._open and doorbells.take_turn(connection, every_s=least_s)
        if turn:
            doorbells.put_back(connection, silent_s=SILENT_S)
        alive = doorbells.live_workers(connection, silent_s=SILENT_S)
        return _Seen(turn, worker_id in alive, doorbells.time(connection))

    async def _listen(self) -> None:
        while True:
            why = "it ended by itself"
            try:
                await self._hear_until_it_ends()
            except Exception as exc:  # whatever it is, the next one may live longer
                why = _root(exc)
            self._worker = None
            self.restarts += 1
            self._falls_silent(why)
            await asyncio.sleep(RESTART_S)

    def _falls_silent(self, why: str) -> None:
        if self._deaf_since is None:
            self._deaf_since = asyncio.get_running_loop().time()
        if not self._said:
            log.warning("job worker ended, another one starts", reason=why)
        self._said = True

    def _hears(self) -> None:
        self._deaf_since = None
        if self._said:
            log.info("job worker works again", restarts=self.restarts)
        self._said = False

    async def _hear(self, doorbell: doorbells.Doorbell) -> None:
        now_s = asyncio.get_running_loop().time()
        many, self._heard_at_s = now_s - self._heard_at_s < MANY_WITHIN_S, now_s
        self._ring_once_due(doorbell)
        if many:
            for another in await self._store.write(lambda c: doorbells.take(c, limit=MANY)):
                self._ring_once_due(another)

    def _ring_once_due(self, doorbell: doorbells.Doorbell) -> None:
        """Where the clock is a little behind that of the process that rang, the row is not due
        yet. Where it is far behind, a sweep comes first. What was rung before the row was put off
        here is done with it."""
        job = Job(kind=doorbell.kind, id=doorbell.id)
        early_s = (doorbell.at - self._clock.now()).total_seconds()
        since, _ = self._later.get(job, (doorbell.at, None))
        if 0.0 < early_s < self._sweep_every_s:
            self._ring_at(job, doorbell.at)
        elif doorbell.at >= since:
            self._ring(job)

    async def _hear_until_it_ends(self) -> None:
        """One worker. Ends by a stop, and when it finds that others took it for dead."""
        pool = AsyncConnectionPool(
            kwargs=self._connect,
            min_size=1,
            max_size=POOL_SIZE,
            timeout=POOL_TIMEOUT_S,
            open=False,
            check=AsyncConnectionPool.check_connection,
        )
        app = procrastinate.App(connector=procrastinate.PsycopgConnector())

        @app.task(name=doorbells.TASK, queue=doorbells.QUEUE)
        async def hear(**doorbell: str) -> None:
            await self._hear(doorbells.Doorbell.model_validate(doorbell))

        async with pool, app.open_async(pool):
            await pool.wait(POOL_TIMEOUT_S)
            self._worker = Worker(
                app,
                queues=[doorbells.QUEUE],
                concurrency=HEARING,
                fetch_job_polling_interval=POLL_S,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=SILENT_S,
                shutdown_graceful_timeout=STOP_S,
                install_signal_handlers=False,
                delete_jobs="always",
            )
            await self._worker.run()  # type: ignore[no-untyped-call]


def _root(exc: BaseException) -> str:
    """What was behind it all: Procrastinate's own errors only say that there was one."""
    while exc.__cause__ is not None:
        exc = exc.__cause__
    first, *_ = str(exc).strip().splitlines() or [""]
    return f"{type(exc).__name__}: {first}"


def _off_s(before: datetime, there: datetime, after: datetime) -> float:
    """How far a clock is off, at least, that was read before and after the one `there`."""
    if there < before:
        return (before - there).total_seconds()
    return min((after - there).total_seconds(), 0.0)


def _parameters(url: str) -> dict[str, Any]:
    """What the store connects with, as psycopg takes it."""
    parsed = parse(url)
    _, parameters = parsed.get_dialect()().create_connect_args(parsed)
    return {**parameters, **connect_arguments(parsed)}
