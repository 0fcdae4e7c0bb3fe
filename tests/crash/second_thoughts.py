"""One step of somebody's second thoughts, in a process of a nursery that is killed in it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from countersign.approvals.models import Request, RequestId, Verdict
from countersign.approvals.ports import Moment, Unit
from tests.approvals.machine import MACHINE_RULES
from tests.crash.server import DONE, OPEN
from tests.doubles.clock import ManualClock
from tests.doubles.database import postgres_store, sqlite_store
from tests.doubles.directory import BEN, CARA, DAVE, acting
from tests.doubles.jobs import RecordingJobs
from tests.doubles.world import World

SIDES = (OPEN, DONE)
Step = Callable[[World, Request], Awaitable[Any]]
LARGER = {"customer": "Contoso", "amount": 110}


def _vote(who: Any, verdict: Verdict = Verdict.APPROVE, **more: Any) -> Step:
    def step(world: World, request: Request) -> Awaitable[Any]:
        return world.vote(request, who, verdict, **more)

    return step


def _withdraw(world: World, request: Request) -> Awaitable[Any]:
    return world.approvals.withdraw(request.id, acting(BEN))


def _revoke(*, ask_again: bool) -> Step:
    def step(world: World, request: Request) -> Awaitable[Any]:
        return world.approvals.revoke(
            request.id, acting(BEN), reason="Second thoughts.", ask_again=ask_again
        )

    return step


STEPS: dict[str, tuple[Step, int]] = {
    "withdraw": (_withdraw, 1),
    "revoke": (_revoke(ask_again=False), 1),
    "ask again": (_revoke(ask_again=True), 2),
    "edit over a band": (_vote(BEN, Verdict.MODIFY, arguments=LARGER), 1),
    "edit that is held": (_vote(BEN, Verdict.MODIFY, arguments=LARGER, foreseen=""), 1),
    "vote in a parallel stage": (_vote(CARA), 1),
    "rejection that needs another": (_vote(BEN, Verdict.REJECT), 1),
}
"""Each with the commit in which it dies: the last one it makes."""


@asynccontextmanager
async def world_at(url: str) -> AsyncIterator[World]:
    """The world on a database that may have rows."""
    if url.startswith("sqlite"):
        async with sqlite_store(Path(url.removeprefix("sqlite:///"))) as file:
            yield ruled(World(file, RecordingJobs(), ManualClock()))
        return
    async with postgres_store(url) as shared:
        yield ruled(World(shared, RecordingJobs(), ManualClock()))


def ruled(world: World) -> World:
    """By the rules of the machine, with Dave in finance."""
    world.directory.put(DAVE.model_copy(update={"groups": frozenset({"finance"})}))
    world.use(MACHINE_RULES)
    return world


async def die(url: str, step: str, side: str, request_id: str) -> None:
    """Take the step, and be killed in it."""
    take, number = STEPS[step]
    async with world_at(url) as world:
        request, commit, left = await world.now(RequestId(request_id)), world.store.unit, [number]

        async def unit(work: Callable[[Unit], Any], moment: Moment) -> Any:
            left[0] -= 1

            def reached(opened: Unit) -> Any:
                value = work(opened)
                if side == OPEN and not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return value

            value = await commit(reached, moment)
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return value

        world.store.unit = unit  # type: ignore[method-assign]
        await take(world, request)


def prepare() -> None:
    """Everything is imported."""


def main(argv: list[str]) -> None:
    """`URL STEP SIDE REQUEST`."""
    asyncio.run(die(*argv))
