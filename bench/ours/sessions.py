"""Countersign's legs: start sessions and run them to their pause; approve and finish them.

The way is the product's: session manager, gate, snapshot, policy, store, ledger, claim, result.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

from bench.measure import Leg, Timer, report, require
from bench.ours.stack import LEDGER, Stack, stack, versions
from bench.ours.workflow_names import GROUP
from bench.payload import ANSWER, ARGUMENTS, TASK, Refunds
from countersign.approvals.models import Request, SessionStatus


async def pause(ours: Stack, workflow: str, leg: Leg, timer: Timer) -> None:
    """Start every session and run it until it waits, durably stored."""
    timer.start()
    for _ in leg.sessions:
        with timer:
            await ours.start(workflow, TASK)
    timer.stop()
    waiting = await ours.pending()
    require(len(waiting) == leg.n, f"{len(waiting)} of {leg.n} sessions wait")
    require(all(r.arguments == ARGUMENTS for r in waiting), "other arguments are waiting")


async def resume(ours: Stack, leg: Leg, timer: Timer) -> None:
    """Vote on every request and run its session to the end."""
    waiting = await ours.pending()
    require(len(waiting) == leg.n, f"{len(waiting)} of {leg.n} sessions wait")
    timer.start()
    for request in waiting:
        with timer:
            await _finish(ours, request)
    timer.stop()
    require(Refunds.done == leg.n, "not every refund ran once")
    for request in waiting:
        session = await ours.records.session(request.session_id)
        require(session.status is SessionStatus.COMPLETED, f"{session.id} is {session.status}")
        require(session.answer == ANSWER, f"{session.id} ends with {session.answer!r}")
    verification = await ours.records.verify()
    require(verification.verified, "the ledger does not verify")


async def _finish(ours: Stack, request: Request) -> None:
    await ours.approve(request)
    await ours.manager.run(request.session_id)


async def main(leg: Leg) -> None:
    """Run the leg with the chat that `WORKFLOW` names."""
    workflow, timer = os.environ.get("WORKFLOW", GROUP), Timer()
    async with stack(leg.database, workflow) as ours:
        legs: dict[str, Callable[[], Awaitable[None]]] = {
            "pause": lambda: pause(ours, workflow, leg, timer),
            "resume": lambda: resume(ours, leg, timer),
        }
        await legs[leg.name]()
    report(leg, timer, versions=versions(), ledger=LEDGER)


if __name__ == "__main__":
    asyncio.run(main(Leg.from_command_line()))
