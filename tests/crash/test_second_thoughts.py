"""kill -9 inside of withdrawals, revocations, edits and votes in stages: all of it, or nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.errors import CountersignError
from countersign.approvals.models import Request, RequestStatus
from tests.crash.second_thoughts import SIDES, STEPS, world_at
from tests.crash.server import DONE
from tests.doubles import postgres
from tests.doubles.database import sqlite_url
from tests.doubles.directory import BEN
from tests.doubles.world import World
from tests.processes import Forked, Nursery

pytestmark = pytest.mark.asyncio
TOOLS = {
    "withdraw": "wire",
    "revoke": "quote",
    "ask again": "quote",
    "edit over a band": "band",
    "edit that is held": "band",
    "vote in a parallel stage": "ship",
    "rejection that needs another": "ship",
}
AFTERWARDS: dict[str, tuple[str, int, int, int]] = {
    "withdraw": ("pending", 1, 0, 0),
    "revoke": ("rejected", 1, 0, 1),
    "ask again": ("pending", 2, 0, 1),
    "edit over a band": ("pending", 2, 1, 1),
    "edit that is held": ("pending", 2, 0, 0),
    "vote in a parallel stage": ("pending", 1, 2, 2),
    "rejection that needs another": ("pending", 1, 0, 1),
}
"""Status, revision, open stage and votes, once the step is through."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    borrowed = postgres.borrow()
    yield borrowed
    postgres.give_back(borrowed)


async def prepared(world: World, step: str) -> Request:
    """A request as it is before the step."""
    run = await world.begun()
    arguments = {"customer": "Contoso", "amount": 2}
    (request,) = await world.submit(run, world.proposal(run.session.id, TOOLS[step], arguments))
    if step not in ("edit over a band", "edit that is held", "rejection that needs another"):
        request = await world.vote(request, BEN)
    return request


async def standing(world: World, request: Request) -> tuple[str, int, int, int]:
    now = await world.now(request)
    votes = await world.records.votes(request.id)
    return str(now.status), now.revision, now.stage, len(votes)


@pytest.fixture(scope="module")
def doubters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Where the processes come from that take a step."""
    folder = tmp_path_factory.mktemp("doubters")
    with Nursery(folder, module="tests.crash.second_thoughts") as one:
        yield one


@pytest.mark.timeout(120)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("step", list(STEPS))
async def test_killed_in_a_step_leaves_all_of_it_or_nothing(
    tmp_path: Path, doubters: Nursery, url: str, step: str, side: str
) -> None:
    async with world_at(url) as world:
        request = await prepared(world, step)
        before = await standing(world, request)
    child = Forked("child", [url, step, side, request.id], tmp_path, {}, doubters)
    child.start()
    assert -signal.SIGKILL == await asyncio.to_thread(child.wait), child.text()

    async with world_at(url) as world:
        left = await standing(world, request)
        assert (AFTERWARDS[step] if side == DONE else before) == left
        await again(world, step, request)
        assert AFTERWARDS[step] == await standing(world, request)
        verification = await world.records.verify()
        assert verification.verified, verification.problems
        now = await world.now(request)
        assert RequestStatus.EXECUTING is not now.status


async def again(world: World, step: str, request: Request) -> Any:
    """Whoever saw no answer tries once more; that is refused where it is done already."""
    take, _ = STEPS[step]
    try:
        return await take(world, request)
    except CountersignError as refused:
        return refused
