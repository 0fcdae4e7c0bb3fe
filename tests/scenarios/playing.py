"""A use played on the whole application, by a client of the API: ask, decide, see what came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from countersign.approvals.models import Request, Verdict
from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.scenarios import SCENARIOS, Choice, Scenario
from countersign.bot.demo.world import World

TIMEOUT_S = 90.0
LOOK_EVERY_S = 0.05
APPROVE = Choice(Verdict.APPROVE)
Before = Callable[[dict[str, Any]], Awaitable[None]]


async def play(
    world: World,
    workflow: str,
    *choices: Choice,
    task: str | None = None,
    before: Before | None = None,
) -> tuple[dict[str, Any], list[Request]]:
    """The session at its end and its requests, decided by `choices` in turn, then approved.

    `before` is called with each request before it is decided: what happens in the meantime.
    """
    scenario = SCENARIOS[workflow]
    front = ApiFront(world)
    session_id = await front.start(
        Scenario(workflow, task or scenario.task, scenario.tool, {}, scenario.systems)
    )
    left, decided = list(choices), list[str]()
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            session = await world.call("sam", "GET", f"/api/v1/sessions/{session_id}")
            if session["status"] not in ("running", "waiting"):
                break
            query = f"/api/v1/requests?session={session_id}&status=pending"
            for request in (await world.call("sam", "GET", query))["items"]:
                if request["id"] in decided:
                    continue
                decided.append(request["id"])
                if before is not None:
                    await before(request)
                await front.decide(request, left.pop(0) if left else APPROVE)
            await asyncio.sleep(LOOK_EVERY_S)
    return session, [await world.stored(request_id) for request_id in decided]


async def undo(world: World, request: Request, reason: str) -> dict[str, Any]:
    """Have a call undone by Alex: the attempt, as soon as it is over."""
    path = f"/api/v1/requests/{request.id}"
    await world.call("alex", "POST", f"{path}/undo", {"reason": reason})
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            found = await world.call("alex", "GET", path)
            attempt: dict[str, Any] = found["undo"]["attempts"][-1]
            if attempt["state"] != "under_way":
                return attempt
            await asyncio.sleep(LOOK_EVERY_S)
