"""How long a new process needs until it has looked after every session that its predecessor left.

prepare: `N` sessions wait. recover: the process opens the store, builds the workflows, frees what
a dead process held and completes its first sweep. Importing AutoGen and the rest is shown apart.
"""

from __future__ import annotations

import time

_BEGAN_S = time.perf_counter()  # before the imports, which are part of every start

import asyncio  # noqa: E402
from contextlib import suppress  # noqa: E402

from bench.measure import Leg, Timer, require, rss_mb, write  # noqa: E402
from bench.ours.stack import stack, versions  # noqa: E402
from bench.ours.workflow_names import GROUP  # noqa: E402
from bench.payload import TASK  # noqa: E402

_IMPORTED_S = time.perf_counter()
POLL_S = 0.0005


async def prepare(leg: Leg) -> None:
    """Leave `N` waiting sessions behind."""
    async with stack(leg.database, GROUP) as ours:
        for _ in leg.sessions:
            await ours.start(GROUP, TASK)
    write(leg, {})


async def recover(leg: Leg) -> None:
    """Start on them."""
    timer = Timer()
    timer.start()
    with timer:
        async with stack(leg.database, GROUP) as ours:
            working = asyncio.create_task(ours.jobs.run())
            while ours.jobs.swept_at is None and not working.done():  # noqa: ASYNC110 - no event
                await asyncio.sleep(POLL_S)
            timer.stop()
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
            require(len(await ours.pending()) == leg.n, "a waiting session was lost")
    figures = {
        "n": leg.n,
        "ready_ms": round(timer.wall_s * 1e3, 1),
        "imports_ms": round((_IMPORTED_S - _BEGAN_S) * 1e3, 1),
        "rss_mb": round(rss_mb(), 1),
        "versions": versions(),
    }
    write(leg, figures)


if __name__ == "__main__":
    _leg = Leg.from_command_line()
    asyncio.run(prepare(_leg) if _leg.name == "prepare" else recover(_leg))
