"""The jobs follow from the database."""

from __future__ import annotations

from pathlib import Path

from countersign.approvals.jobs import jobs_on
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.jobs.procrastinate import ProcrastinateJobs
from tests.doubles.world import opened


async def test_jobs_follow_from_the_url(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        file = jobs_on("sqlite:///./countersign.db", world.store, world.clock)
        server = jobs_on("postgresql://db.example.com/countersign", world.store, world.clock)

    assert isinstance(file, EmbeddedJobs)
    assert isinstance(server, ProcrastinateJobs)
