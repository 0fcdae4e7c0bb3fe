"""kill -9 while a question is being answered: another server has it answered, once."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from countersign.approvals.decisions.answering import LEASE
from countersign.approvals.decisions.outbox import ANSWER
from countersign.approvals.errors import ConflictError
from countersign.approvals.jobs.due import due_jobs
from tests.doubles.clock import ManualClock
from tests.doubles.database import fresh_database, sqlite_store
from tests.doubles.directory import BEN, acting
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import World

pytestmark = pytest.mark.asyncio
BEGINS_AND_DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.doubles.clock import ManualClock
from tests.doubles.database import sqlite_store
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import World

async def main(path, question):
    async with sqlite_store(Path(path)) as store:
        world = World(store, RecordingJobs(), ManualClock())
        assert await world.domain.answering.begin(question) is not None
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def server(path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with sqlite_store(path) as store:
        yield World(store, RecordingJobs(), clock)


async def due(world: World) -> list[str]:
    now = world.clock.now()
    jobs = await world.store.read(lambda c: due_jobs(c, now, kinds=[ANSWER]))
    return [job.id for job in jobs]


async def test_killed_server_is_followed_by_another_one(tmp_path: Path) -> None:
    path, clock = fresh_database(tmp_path), ManualClock()
    async with server(path, clock) as world:
        (request,) = await world.asked()
        question = await world.approvals.questions.ask(request.id, acting(BEN), "Why?")
        assert question is not None
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BEGINS_AND_DIES, str(path), question.id
    )
    assert -signal.SIGKILL == await killed.wait()

    async with server(path, clock) as world:
        assert [] == await due(world)  # it may still be at it
        clock.advance(LEASE.total_seconds())
        assert [question.id] == await due(world)
        side = await world.domain.answering.begin(question.id)
        assert side is not None
        assert 2 == side.attempt
        await world.domain.answering.answered(side, "They asked for it.", [])
        with pytest.raises(ConflictError):
            await world.domain.answering.answered(side, "Once more.", [])
        kinds = await world.kinds(request.session_id)
        found = await world.records.verify()

        assert 1 == kinds.count("answered")
        assert found.verified, found.problems
