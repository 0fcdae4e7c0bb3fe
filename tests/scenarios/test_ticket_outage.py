"""A ticket system that is away: everything waits, nothing is lost, and Teams does not notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.scenarios.ticket_world import TASK, TicketWorld, ticket_world
from tests.scenarios.world import TIMEOUT_S

pytestmark = pytest.mark.usefixtures("both_databases")

SYSTEMS = ["jira", "servicenow"]
EVER = 100_000


@pytest_asyncio.fixture(params=SYSTEMS)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TicketWorld]:
    async with ticket_world(tmp_path, request.param) as world, world.server():
        await world.seen(1)
        yield world


async def test_lost_webhook_is_made_up_for_by_a_poll(app: TicketWorld) -> None:
    request = await app.asked()
    app.system.notify(None)

    app.desk.answer(str(app.key(request)), "approve")
    session = await app.over(request["session_id"])

    assert "completed" == session["status"]
    assert [request["arguments"]] == app.quotes()
    assert (1, 1) == await app.voted(request)


async def test_decision_comes_by_webhook_while_no_poll_works(tmp_path: Path) -> None:
    """Only Jira searches by a path of its own, which can be made to fail alone."""
    async with ticket_world(tmp_path, "jira") as app, app.server():
        request = await app.asked()
        app.system.faults.fail(503, path=app.desk.searching, times=EVER)
        await app.unreachable()

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


@pytest.mark.parametrize("system", SYSTEMS)
async def test_teams_does_not_wait_for_a_ticket_system_that_hangs(
    tmp_path: Path, system: str
) -> None:
    """A click and all that follows are done before any call to the other system is answered."""
    patient = {"timeout": f"{3 * TIMEOUT_S}s"}
    async with ticket_world(tmp_path, system, connector=patient) as app, app.server():
        await app.teams.send_message("Alex Wilber", TASK)
        await app.teams.wait_for_card(timeout_s=30)
        (request,) = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]
        await app.ticketed(request["id"])
        with app.system.faults.hanging():
            others = [await app.start("sales_quote", TASK) for _ in range(12)]
            await asyncio.gather(*(app.pending(o, tool="release_quote") for o in others))

            answer = await app.click(request["id"], "approve")
            session = await app.over(request["session_id"])

        assert "Approved" in str(answer.card)
        assert "completed" == session["status"]
        assert "Done: it ran once." in await app.closed(request)
