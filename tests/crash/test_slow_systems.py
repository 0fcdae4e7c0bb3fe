"""Slow Teams, slow Jira: people decide and agents go on as if they were not there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from countersign.bot.http.settings import LimitsSettings
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = pytest.mark.asyncio
MANY = 6
SLOW_S = 20.0
"""What each call to Teams and Jira takes: longer than all that is claimed here."""


def shown_in(request: dict[str, Any]) -> dict[str, str]:
    return {delivery["channel"]: delivery["status"] for delivery in request["deliveries"]}


async def test_votes_are_counted_and_tools_run_before_any_slow_system_has_answered(
    tmp_path: Path,
) -> None:
    async with ticket_world(tmp_path, "jira") as app:
        app.settings = app.settings.model_copy(
            update={"limits": LimitsSettings.model_validate({"grace": "0.1s"})}
        )
        async with app.server():
            await app.teams.send_message("Alex Wilber", "help")
            await app.says("what waits for your decision")
            requests = [await app.asked() for _ in range(MANY)]
            for request in requests:
                await app.card(request["id"])
                await app.ticketed(request["id"])
            app.teams.faults.latency_s = app.system.faults.latency_s = SLOW_S
            answers = await asyncio.gather(*(app.vote(request, "approve") for request in requests))
            sessions = [await app.over(request["session_id"]) for request in requests]
            after = [await app.request(request["id"]) for request in requests]

            # Nothing slow has answered yet: no card and no ticket knows that all is over.
            assert [{"teams": "live", "jira": "live"}] * MANY == [shown_in(r) for r in after]
            assert [200] * MANY == [status for status, _ in answers]
            assert ["completed"] * MANY == [session["status"] for session in sessions]
            assert ["executed"] * MANY == [request["status"] for request in after]
            app.teams.faults.latency_s = app.system.faults.latency_s = 0.0
            await told(app, requests[0])


async def told(app: TicketWorld, request: dict[str, Any]) -> None:
    """The card and the ticket are told, as soon as they answer again."""

    async def look() -> bool | None:
        found = shown_in(await app.request(request["id"]))
        return True if set(found.values()) == {"closed"} else None

    await app.eventually(look)
