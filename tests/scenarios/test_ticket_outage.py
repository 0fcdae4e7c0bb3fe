"""A ticket system that is away: everything waits, nothing is lost, and Teams does not notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from sandbox._faults import Fault
from tests.scenarios.ticket_world import TASK, TicketWorld, ticket_world

SYSTEMS = ["jira", "servicenow"]
EVER = 100_000
Logs = list[MutableMapping[str, Any]]


@pytest_asyncio.fixture(params=SYSTEMS)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TicketWorld]:
    async with ticket_world(tmp_path, request.param) as world, world.server():
        await world.seen(1)
        yield world


def said(logs: Logs, event: str) -> int:
    """How often that was logged."""
    return [entry["event"] for entry in logs].count(event)


async def unreachable(app: TicketWorld) -> None:
    """Return as soon as `/readyz` tells it, which stays 200."""

    async def look() -> bool | None:
        status, body = await app.ready()
        assert 200 == status
        return "unreachable" in body["systems"][app.desk.name] or None

    await app.eventually(look)


async def reachable(app: TicketWorld) -> None:
    async def look() -> bool | None:
        return (await app.ready())[1]["systems"][app.desk.name] == "ok" or None

    await app.eventually(look)


async def test_lost_webhook_is_made_up_for_by_a_poll(app: TicketWorld) -> None:
    request = await app.asked()
    app.desk.tell(None)

    app.desk.answer(str(app.key(request)), "approve")
    session = await app.over(request["session_id"])

    assert "completed" == session["status"]
    assert [request["arguments"]] == app.quotes()
    assert (1, 1) == await app.voted(request)


async def test_decision_comes_by_webhook_while_no_poll_works(tmp_path: Path) -> None:
    """Only Jira searches by a path of its own, which can be made to fail alone."""
    async with ticket_world(tmp_path, "jira") as app, app.server():
        request = await app.asked()
        app.desk.faults.fail(503, path=app.desk.searching, times=EVER)
        await unreachable(app)

        app.desk.answer(str(app.key(request)), "approve")
        session = await app.over(request["session_id"])

        assert "completed" == session["status"]
        assert (1, 1) == await app.voted(request)


async def test_webhook_and_poll_together_count_once(app: TicketWorld) -> None:
    request = await app.asked()

    app.desk.answer(str(app.key(request)), "approve")
    await app.over(request["session_id"])
    await app.seen()
    await app.hook(*app.desk.webhook(str(app.key(request))))
    await app.quiet()

    assert (1, 1) == await app.voted(request)
    assert [request["arguments"]] == app.quotes()


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
        app.desk.tell(None)
        app.desk.faults.add(fault)
        app.desk.answer(str(app.key(before)), "approve")
        during = await app.pending(await app.start("sales_quote", TASK), tool="release_quote")
        await app.until(during["id"], lambda r: app.shown(r)["error"])
        await unreachable(app)
        waiting = [(await app.request(r["id"]))["status"] for r in (before, during)]
        app.desk.faults.clear()
        ticketed = await app.ticketed(during["id"])
        app.desk.answer(str(app.key(ticketed)), "approve")
        ended = [await app.over(r["session_id"]) for r in (before, during)]
        await reachable(app)

    assert ["pending", "pending"] == waiting
    assert ["completed", "completed"] == [session["status"] for session in ended]
    assert [(1, 1), (1, 1)] == [await app.voted(r) for r in (before, during)]
    assert 2 == len(app.quotes())
    assert (1, 1) == (
        said(logs, "ticket system unreachable"),
        said(logs, "ticket system reachable again"),
    )
    assert [] == [entry for entry in logs if entry["log_level"] in ("error", "critical")]


async def test_teams_is_not_slowed_by_a_ticket_system_that_hangs(app: TicketWorld) -> None:
    """A click is answered at once although every call to the other system takes very long."""
    await app.teams.send_message("Alex Wilber", TASK)
    await app.teams.wait_for_card(timeout_s=30)
    (request,) = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]
    await app.ticketed(request["id"])
    app.desk.faults.add(Fault(kind="slow", delay_s=3, times=EVER))
    await asyncio.gather(*(app.start("sales_quote", TASK) for _ in range(12)))

    began = time.monotonic()
    answer = await app.click(request["id"], "approve")
    took_s = time.monotonic() - began
    session = await app.over(request["session_id"])
    app.desk.faults.clear()

    assert "Approved" in str(answer.card)
    assert "completed" == session["status"]
    assert took_s < 2
    assert "Done: it ran once." in await app.closed(request)
