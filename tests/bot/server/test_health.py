"""`/readyz` tells the truth about the store and the jobs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import column, func, select, table
from structlog.testing import capture_logs

from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.store import open_store
from countersign.approvals.store.schema import conversations
from countersign.bot.server.health import Health
from tests.doubles.clock import ManualClock
from tests.doubles.database import sqlite_url


async def test_all_is_well_while_the_jobs_sweep(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        jobs = EmbeddedJobs(store, clock, sweep_every_s=3600)
        health = Health(store, jobs, clock)
        jobs.swept_at = clock.now()
        task = asyncio.create_task(asyncio.Event().wait())
        health.watch(task)  # type: ignore[arg-type]

        checks = await health.checks()
        left = await store.read(lambda c: c.scalar(select(func.count()).select_from(conversations)))
        task.cancel()

    assert checks == {
        "store_readable": "ok",
        "store_writable": "ok",
        "schema": "ok",
        "jobs": "ok",
    }
    assert left == 0


async def test_jobs_that_are_not_there_yet_stuck_or_dead_are_told_apart(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        jobs = EmbeddedJobs(store, clock)

        async def fail() -> None:
            raise RuntimeError("a bug")

        async def jobs_check(task: asyncio.Task[None] | None) -> str:
            health = Health(store, jobs, clock)
            if task is not None:
                health.watch(task)
            return (await health.checks())["jobs"]

        waiting = asyncio.create_task(asyncio.Event().wait())
        dead = asyncio.create_task(fail())
        await asyncio.wait([dead])
        told = [await jobs_check(task) for task in (None, waiting, dead)]  # type: ignore[arg-type]
        jobs.swept_at = clock.now()
        clock.advance(minutes=1)
        stuck = await jobs_check(waiting)  # type: ignore[arg-type]
        waiting.cancel()

    assert told == ["not started", "starting", "stopped; restart the server, its log says why"]
    assert stuck.startswith("stuck: the last sweep was 0:01:00 ago")


async def test_a_server_is_ready_as_soon_as_it_has_swept(tmp_path: Path) -> None:
    """Whoever asked a moment before was told that it starts."""
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        jobs = EmbeddedJobs(store, clock)
        health = Health(store, jobs, clock)
        task = asyncio.create_task(asyncio.Event().wait())
        health.watch(task)  # type: ignore[arg-type]
        before = await health.checks()
        jobs.swept_at = clock.now()
        after = await health.checks()
        task.cancel()

    assert ("starting", "ok") == (before["jobs"], after["jobs"])


async def test_a_server_on_hold_is_not_ready_and_says_why(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        health = Health(store, EmbeddedJobs(store, clock), clock)
        health.hold()
        checks = await health.checks()

    assert checks["jobs"] == "on hold: nothing is run or sent; start the server without --hold"


async def test_a_store_that_cannot_be_written_is_named_without_its_path(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        health = Health(store, EmbeddedJobs(store, clock), clock)
    closed = await health.checks()

    assert closed["store_writable"] == "cannot be written; the server's log says why"
    assert str(tmp_path) not in str(closed)


async def test_an_outage_of_the_store_is_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countersign.bot.server.health.REUSE_S", 0.0)
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        health = Health(store, EmbeddedJobs(store, clock), clock)
    with capture_logs() as logged:
        for _ in range(3):
            await health.checks()

    assert ["store unreachable"] * 2 == [line["event"] for line in logged]
    assert {"read", "written"} == {line["cannot_be"] for line in logged}


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("0002", "the database has schema 0002, this version needs "),
        (None, "the database has schema none, this version needs "),
        ("9999", "ok"),
    ],
)
async def test_only_an_older_schema_keeps_a_server_from_being_ready(
    tmp_path: Path, revision: str | None, expected: str
) -> None:
    """While replicas are replaced one by one, the old ones work on the new schema."""
    clock = ManualClock()
    version = table("alembic_version", column("version_num"))
    change = version.delete() if revision is None else version.update().values(version_num=revision)
    async with open_store(sqlite_url(tmp_path)) as store:
        await store.write(lambda c: c.execute(change).rowcount)
        checks = await Health(store, EmbeddedJobs(store, clock), clock).checks()

    assert checks["schema"].startswith(expected)


async def test_a_server_that_stops_is_not_ready(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        health = Health(store, EmbeddedJobs(store, clock), clock)
        health.stop()

        assert {"server": "stopping"} == await health.checks()


async def test_what_was_seen_of_the_store_is_used_again_for_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may ask, and each look at it costs a synchronised write."""
    clock = ManualClock()
    async with open_store(sqlite_url(tmp_path)) as store:
        health = Health(store, EmbeddedJobs(store, clock), clock)
        first = await health.checks()
    again = await health.checks()
    monkeypatch.setattr("countersign.bot.server.health.REUSE_S", 0.0)
    later = await health.checks()

    assert first == again
    assert later["store_writable"] == "cannot be written; the server's log says why"
