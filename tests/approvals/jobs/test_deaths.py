"""Workers that die, freeze or never start: nothing is lost, and nobody is held up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from countersign.approvals.decisions.outbox import RUN
from countersign.approvals.jobs import procrastinate
from countersign.approvals.jobs.procrastinate import SILENT_S, ProcrastinateJobs
from tests.doubles import postgres
from tests.doubles.clock import ManualClock
from tests.doubles.jobs_at_work import (
    Handler,
    at_work,
    heard,
    ring,
    sharing,
    sql,
    taken_by_somebody,
    until_it_hears,
)
from tests.doubles.world import RULES, World

FINISH = "SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)"


async def test_what_a_dead_worker_took_is_rung_again(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)
    await taken_by_somebody(world, "dead", silent_s=SILENT_S + 1)
    pruned = await taken_by_somebody(world, "pruned", silent_s=SILENT_S + 1)
    await sql(world, "DELETE FROM procrastinate_workers WHERE id = :id", id=pruned)
    await taken_by_somebody(world, "alive", silent_s=0)
    async with at_work(world):
        rung = {await handler.arrivals.get() for _ in range(2)}
    left = await sql(world, "SELECT args ->> 'id' FROM procrastinate_jobs")

    assert {"dead", "pruned"} == rung
    assert ["alive"] == left


async def test_frozen_worker_that_others_took_for_dead_comes_back(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)
    async with at_work(world) as jobs:
        await ring(world, "before")
        await heard(world)
        with capture_logs() as logged:
            await until_it_hears(jobs)
            await sql(world, "DELETE FROM procrastinate_workers")
            while jobs.restarts == 0:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
            await until_it_hears(jobs)
        await ring(world, "after")
        await heard(world)
        await jobs.until_idle()

    assert ["before", "after"] == handler.calls
    assert ["job worker ended, another one starts", "job worker works again"] == [
        entry["event"] for entry in logged
    ]


async def test_finishing_what_another_worker_has_done_by_now_is_harmless(world: World) -> None:
    handler = Handler()
    world.jobs.handle("bell", handler)
    await taken_by_somebody(world, "shared", silent_s=SILENT_S + 1)
    (number,) = await sql(world, "SELECT id FROM procrastinate_jobs")
    async with at_work(world) as jobs:
        await handler.called.wait()
        await heard(world)
        with pytest.raises(Exception, match="Job was not found"):
            await sql(world, FINISH, id=number)
        await ring(world, "next")
        await heard(world)
        await jobs.until_idle()

    assert ["shared", "next"] == handler.calls


async def test_worker_survives_the_loss_of_every_connection() -> None:
    handler = Handler()
    url = postgres.fresh()
    async with sharing(url) as world:
        world.jobs.handle("bell", handler)
        async with at_work(world) as jobs:
            with psycopg.connect(postgres.server_url(), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [make_url(url).database],
                )
            await ring(world, "after")
            await handler.called.wait()
            await jobs.until_idle()

    assert ["after"] == handler.calls


async def test_worker_that_fails_says_what_was_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        try:
            try:
                raise OSError("the cable is out\nand the light is off")
            except OSError as exc:
                raise RuntimeError("Database error.") from exc
        except RuntimeError as exc:
            raise ConnectorException from exc

    with capture_logs() as logged:
        monkeypatch.setattr(world.jobs, "_hear_until_it_ends", fail)
        async with at_work(world) as jobs:
            while jobs.restarts == 0:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)

    assert "OSError: the cable is out" in [entry.get("reason") for entry in logged]


async def test_sweep_finds_work_while_no_worker_can_start(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    monkeypatch.setattr(procrastinate, "POOL_TIMEOUT_S", 0.05)
    nowhere = make_url(url).update_query_dict({"host": "/nowhere"})
    unreachable = nowhere.render_as_string(hide_password=False)
    async with sharing(url, ManualClock(datetime.now(UTC))) as world:
        store, clock = world.store, world.clock
        world.jobs = ProcrastinateJobs(store, clock, unreachable, sweep_every_s=0.05)
        world.use(RULES)
        world.jobs.handle(RUN, handler)
        with capture_logs() as logged:
            async with at_work(world) as jobs:
                session = await world.start()
                await handler.called.wait()
                while jobs.restarts < 2:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.001)
                at_first = jobs.trouble()
                monkeypatch.setattr(procrastinate, "TOLERATED_S", 0.0)
                after_a_while = jobs.trouble()

    assert session.id in handler.calls
    assert "" == at_first
    assert after_a_while.startswith("no doorbells for ")
    assert 1 == sum(entry["event"].startswith("job worker ended") for entry in logged)


async def test_worker_that_does_not_stop_holds_nobody_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(world) as jobs:
        await heard(world)
        monkeypatch.setattr(procrastinate, "STOP_S", -1.0)
        with capture_logs() as logged:
            await jobs.drain()

    assert ["job worker does not stop; what it has taken is put back by others"] == [
        entry["event"] for entry in logged
    ]
