"""Jobs that really run, of each implementation, and handlers that a test can watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from countersign.approvals.jobs.procrastinate import ProcrastinateJobs
from countersign.approvals.ports import Job
from countersign.approvals.store import doorbells
from tests.doubles import postgres
from tests.doubles.clock import ManualClock
from tests.doubles.database import postgres_store
from tests.doubles.world import World, working

embedded = working


class Handler:
    """Records whom it was called for, and does what a test tells it to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.running = self.most_at_once = 0
        self.called = asyncio.Event()
        self.arrivals: asyncio.Queue[str] = asyncio.Queue()
        self.hold: asyncio.Event | None = None
        self.fails = False

    async def __call__(self, row: str) -> None:
        """One answer to a doorbell."""
        self.calls.append(row)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        self.called.set()
        self.arrivals.put_nowait(row)
        try:
            if self.hold is not None:
                await self.hold.wait()
            if self.fails:
                raise RuntimeError("the handler is broken")
        finally:
            self.running -= 1


@asynccontextmanager
async def procrastinate(folder: Path) -> AsyncIterator[World]:
    """A world on PostgreSQL with its jobs, not yet running."""
    url = postgres.borrow()
    async with sharing(url) as world:
        yield world
    postgres.give_back(url)


@asynccontextmanager
async def sharing(
    url: str, clock: ManualClock | None = None, *, sweep_every_s: float = 0.05
) -> AsyncIterator[World]:
    """A world on this database, on which others may be."""
    clock = clock or ManualClock()
    async with postgres_store(url) as store:
        jobs = ProcrastinateJobs(store, clock, url, sweep_every_s=sweep_every_s)
        yield World(store, jobs, clock)


@asynccontextmanager
async def at_work(world: World) -> AsyncIterator[Any]:
    """The jobs while they run, from their first sweep on."""
    async with asyncio.timeout(30):
        task = asyncio.create_task(world.jobs.run())
        jobs: Any = world.jobs
        while jobs.swept_at is None:  # noqa: ASYNC110 - the port has no event for it
            await asyncio.sleep(0.001)
        try:
            yield jobs
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def ring(world: World, row: str, kind: str = "bell") -> None:
    """One doorbell, in a transaction of its own."""
    await world.unit(lambda unit: world.jobs.enqueue(unit, Job(kind=kind, id=row)))


async def heard(world: World) -> None:
    """Wait until no doorbell is under way."""
    if isinstance(world.jobs, ProcrastinateJobs):
        while await world.store.read(doorbells.waiting):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)


async def sql(world: World, statement: str, **values: Any) -> list[Any]:
    """The first column of what a statement gives."""

    def unit(connection: Any) -> list[Any]:
        found = connection.execute(text(statement), values)
        return [row[0] for row in found] if found.returns_rows else []

    return await world.store.write(unit)


async def until_it_hears(jobs: Any) -> None:
    """Wait until its worker lives, as far as the database knows."""
    while jobs._deaf_since is not None:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.001)


async def taken_by_somebody(world: World, row: str, *, silent_s: float) -> int:
    """A doorbell that a worker has taken which was last heard of so long ago."""
    await ring(world, row)
    (number,) = await sql(
        world,
        "INSERT INTO procrastinate_workers (last_heartbeat) "
        "VALUES (clock_timestamp() - make_interval(secs => :silent_s)) RETURNING id",
        silent_s=silent_s,
    )
    await sql(
        world,
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :number "
        "WHERE args ->> 'id' = :row",
        number=number,
        row=row,
    )
    return int(number)
