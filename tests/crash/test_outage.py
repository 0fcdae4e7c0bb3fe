"""A ticket system that is away for a while: what was asked and answered meanwhile is not lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from countersign.sandbox._faults import Fault
from tests.scenarios.ticket_world import TASK, TicketWorld, ticket_world

EVER = 100_000
Logs = list[MutableMapping[str, Any]]


@pytest_asyncio.fixture
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TicketWorld]:
    async with ticket_world(tmp_path, request.param) as world, world.server():
        await world.seen(1)
        yield world


def said(logs: Logs, event: str) -> int:
    """How often that was logged."""
    return [entry["event"] for entry in logs].count(event)


DOWN = Fault(kind="error", status=503, times=EVER)
GONE = Fault(kind="reset", times=EVER)
LIMITED = Fault(kind="error", status=429, retry_after_s=2, times=EVER)
EXPIRED = Fault(kind="error", status=401, times=EVER)


@pytest.mark.parametrize(
    ("app", "fault"),
    [("jira", EXPIRED), ("jira", LIMITED), ("servicenow", DOWN), ("servicenow", GONE)],
    ids=["credentials", "rate limit", "down", "reset"],
    indirect=["app"],
)
async def test_request_waits_through_an_outage(app: TicketWorld, fault: Fault) -> None:
    """Asked before and during it, decided after it; said once, and once that it is over."""
    with capture_logs() as logs:
        before = await app.asked()
        app.system.notify(None)
        app.system.faults.add(fault)
        app.desk.answer(str(app.key(before)), "approve")
        during = await app.pending(await app.start("sales_quote", TASK), tool="release_quote")
        await app.until(during["id"], lambda r: app.shown(r)["error"])
        await app.unreachable()
        waiting = [(await app.request(r["id"]))["status"] for r in (before, during)]
        app.system.faults.clear()
        ticketed = await app.ticketed(during["id"])
        app.desk.answer(str(app.key(ticketed)), "approve")
        ended = [await app.over(r["session_id"]) for r in (before, during)]
        await app.reachable()

    assert ["pending", "pending"] == waiting
    assert ["completed", "completed"] == [session["status"] for session in ended]
    assert [(1, 1), (1, 1)] == [await app.voted(r) for r in (before, during)]
    assert 2 == len(app.quotes())
    assert (1, 1) == (
        said(logs, "ticket system unreachable"),
        said(logs, "ticket system reachable again"),
    )
    assert [] == [entry for entry in logs if entry["log_level"] in ("error", "critical")]
