"""How many votes a second the service decides, when so many people vote at once.

One vote decides one request. Each stands for a card's click after its authentication: no HTTP.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

from bench.measure import Leg, Timer, require, write
from bench.ours.stack import Stack, stack, versions
from bench.ours.workflow_names import GROUP
from bench.payload import TASK
from countersign.approvals.models import Request


async def _voter(ours: Stack, asked: Iterator[Request], timer: Timer) -> None:
    loop = asyncio.get_running_loop()
    for request in asked:
        began_s = loop.time()
        await ours.approve(request)
        timer.latencies_s.append(loop.time() - began_s)


async def main(leg: Leg) -> None:
    """Prepare `N` waiting sessions, then let `CONCURRENCY` voters decide them."""
    voters = int(os.environ["CONCURRENCY"])
    async with stack(leg.database, GROUP) as ours:
        for _ in leg.sessions:
            await ours.start(GROUP, TASK)
        asked = iter(await ours.pending())
        timer = Timer()
        timer.start()
        await asyncio.gather(*(_voter(ours, asked, timer) for _ in range(voters)))
        timer.stop()
        require(not await ours.pending(), "not every request was decided")
    require(len(timer.latencies_s) == leg.n, "not every vote was cast")
    write(leg, {**timer.figures(), "versions": versions()})


if __name__ == "__main__":
    asyncio.run(main(Leg.from_command_line()))
