"""A process that archives and is killed with `kill -9`: the next one finds everything once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.approvals.decisions.test_archiving import DAY, Office
from tests.doubles.clock import ManualClock
from tests.doubles.database import fresh_database, sqlite_store
from tests.doubles.directory import ROOT, acting
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import World
from tests.processes import ROOT as REPOSITORY

pytestmark = pytest.mark.asyncio
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from countersign.approvals.decisions import archiving as flow
from countersign.approvals.store import governance
from tests.crash.test_archiving import archive, restore

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def dead_after(kind):
    append = governance.append
    def written(unit, entry):
        append(unit, entry)
        if type(entry).__name__ == kind:
            die()
    governance.append = written

folder, point = Path(sys.argv[1]), sys.argv[2]
if point == "on_the_disk":
    flow.archiving.move = die            # the file is there, and no row says so
elif point == "in_the_transaction":
    dead_after("SessionsArchived")       # the sessions are out of the tables, not committed
elif point == "after_the_commit":
    flow._name = die                     # it is recorded, and the file lacks its name
elif point == "in_the_restoration":
    dead_after("SessionsRestored")
asyncio.run((restore if point == "in_the_restoration" else archive)(folder))
raise SystemExit("nobody died")
"""


@asynccontextmanager
async def at_work(folder: Path, days: int = 0) -> AsyncIterator[Office]:
    """The ledger in this folder, so many days later."""
    path = folder / "countersign.db"
    async with sqlite_store(path if path.exists() else fresh_database(folder)) as store:
        world = World(store, RecordingJobs(), ManualClock(NOON))
        world.clock.advance(days * DAY)
        yield Office(world, folder / "archive")


async def archive(folder: Path) -> None:
    """Archive what is over."""
    async with at_work(folder, 31) as office:
        await office.run()


async def restore(folder: Path) -> None:
    """Bring it back."""
    async with at_work(folder, 32) as office:
        (file,) = office.files()
        await office.archiving.restore(file, "Case 7.", acting(ROOT))


async def killed(folder: Path, point: str) -> None:
    """Another process begins, and dies there."""
    command = [sys.executable, "-c", CHILD, str(folder), point]
    ended = await asyncio.to_thread(
        subprocess.run, command, cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert -signal.SIGKILL == ended.returncode, ended.stderr


async def kinds(office: Office) -> list[str]:
    """What the governance ledger says of files."""
    found = [entry.kind for entry in await office.world.records.governance()]
    return [kind for kind in found if kind.startswith("sessions_")]


@pytest.mark.parametrize("point", ["on_the_disk", "in_the_transaction", "after_the_commit"])
async def test_who_dies_in_archiving_loses_nothing_and_archives_nothing_twice(
    tmp_path: Path, point: str
) -> None:
    async with at_work(tmp_path) as office:
        request = await office.over()
        rows = await office.everything(request.session_id)
    await killed(tmp_path, point)

    async with at_work(tmp_path, 32) as office:
        assert () == (await office.trail.verify()).problems
        there = await office.everything(request.session_id)
        left = office.files()
        again = await office.run()
        (file,) = office.files()

        assert (point == "after_the_commit") == (there == "{}") == (again.sessions == 0)
        assert [".part"] == [Path(name).suffix for name in left]
        assert () == await office.verified(file)
        assert ["sessions_archived"] == await kinds(office)
        await office.archiving.restore(file, "Case 7.", acting(ROOT))
        assert rows == await office.everything(request.session_id)


async def test_who_dies_in_restoring_has_restored_nothing(tmp_path: Path) -> None:
    async with at_work(tmp_path) as office:
        request = await office.over()
        rows = await office.everything(request.session_id)
    await archive(tmp_path)
    await killed(tmp_path, "in_the_restoration")

    async with at_work(tmp_path, 33) as office:
        (file,) = office.files()
        assert "{}" == await office.everything(request.session_id)
        assert () == await office.verified(file)
        assert ["sessions_archived"] == await kinds(office)
        await office.archiving.restore(file, "Case 7.", acting(ROOT))
        assert rows == await office.everything(request.session_id)
        assert () == (await office.trail.verify()).problems
