"""On the way to a stop nothing is begun any more, and what runs may end."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.ports import Job
from countersign.approvals.ports.unit import STATEMENTS
from tests.doubles.clock import ManualClock
from tests.doubles.database import fresh_database, sqlite_store

pytestmark = pytest.mark.asyncio


async def test_drain_waits_for_what_runs_and_begins_nothing(tmp_path: Path) -> None:
    began, may_end, done = asyncio.Event(), asyncio.Event(), list[str]()

    async def handler(row: str) -> None:
        began.set()
        await may_end.wait()
        done.append(row)

    async with sqlite_store(fresh_database(tmp_path)) as store:
        jobs = EmbeddedJobs(store, ManualClock(), concurrency=1)
        jobs.handle("deliver", handler)
        working = asyncio.create_task(jobs.run())
        while jobs.swept_at is None:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0)
        for row in ("runs", "has no slot yet"):
            job = Job(kind="deliver", id=row)
            await store.unit(partial(jobs.enqueue, job=job), STATEMENTS)
        await began.wait()
        draining = asyncio.create_task(jobs.drain())
        await asyncio.sleep(0)
        late = Job(kind="deliver", id="comes too late")
        await store.unit(lambda unit: jobs.enqueue(unit, late), STATEMENTS)
        may_end.set()
        await draining
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    assert ["runs"] == done
