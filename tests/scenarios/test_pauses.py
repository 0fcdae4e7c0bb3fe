"""The kill switch in a running server: nothing begins, nothing is lost, it goes on by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]
TASK = "quote for Contoso, 25 seats"
REASON = "The price list is wrong."


async def paused(app: World, **scope: Any) -> str:
    """Paused by Alex; the id."""
    status, body = await app.call(
        "POST", "/api/v1/pauses", person="alex", json={**scope, "reason": REASON}
    )
    assert status == 201, body
    return str(body["id"])


async def resumed(app: World, pause_id: str) -> None:
    status, body = await app.call("DELETE", f"/api/v1/pauses/{pause_id}", person="alex")
    assert status == 200, body


async def held(app: World, session_id: str) -> str:
    """What the session says, as soon as it is held."""

    async def look() -> Any:
        return (await app.session(session_id))["error"]

    return str(await app.eventually(look))


async def test_what_is_approved_waits_over_a_restart_and_runs_once(tmp_path: Path) -> None:
    async with world(tmp_path) as app:
        async with app.server():
            session_id = await app.start("sales_quote", TASK)
            request = await app.pending(session_id)
            pause_id = await paused(app, tool="release_quote")
            await app.vote(request, "approve")
            said = await held(app, session_id)
        async with app.server():
            still = await app.request(request["id"])
            before = len(app.quotes())
            await resumed(app, pause_id)
            session = await app.over(session_id)
            ledger = await app.ledger(session_id)
        released = len(app.quotes())

    assert f"paused by Alex Wilber since {said[28:44]} UTC: {REASON}" == said
    assert ("approved", said, 0) == (still["status"], still["paused"], before)
    assert ("completed", 1) == (session["status"], released)
    about = [e["kind"] for e in ledger if e["body"].get("request") == request["id"]]
    assert ["proposed", "voted", "decided", "held", "claimed", "executed"] == [
        kind for n, kind in enumerate(about) if kind not in about[:n]
    ]


async def test_what_a_rule_allows_waits_too(tmp_path: Path) -> None:
    async with world(tmp_path) as app, app.server():
        pause_id = await paused(app, all=True)
        session_id = await app.start("sales_quote", TASK)
        await held(app, session_id)
        before = (await app.call("GET", f"/api/v1/requests?session={session_id}"))[1]["items"]
        await resumed(app, pause_id)
        await app.vote(await app.pending(session_id), "approve")
        session = await app.over(session_id)

    assert ["approved"] == [each["status"] for each in before]
    assert "completed" == session["status"]
