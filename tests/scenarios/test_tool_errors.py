"""What comes of a tool in the whole application: errors, doubts and their end, long results."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.sandbox.standins import ask_in
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as started, started.server():
        yield started


async def test_person_settles_what_a_broken_tool_left_in_doubt(app: World) -> None:
    """The back end failed twice and did not say whether the quote was made: nobody tries again."""
    app.crm.faults.fail(500, path="/quotes", times=2)
    session_id = await app.start("sales_quote", TASK)
    request = await app.pending(session_id)
    await app.vote(request, "approve")
    session = await app.over(session_id)
    doubt = await app.request(request["id"])
    status, settled = await app.call(
        "POST",
        f"/api/v1/requests/{request['id']}/resolution",
        person="alex",
        json={"happened": False, "note": "There is no such quote in the CRM."},
    )
    kinds = [entry["kind"] for entry in await app.ledger(session_id)]

    assert ("completed", "in_doubt") == (session["status"], doubt["status"])
    assert "a person is checking" in session["answer"]
    assert "HTTP 500" in doubt["result"]["message"]
    assert (200, "failed") == (status, settled["status"])
    assert [] == app.quotes()
    assert ["in_doubt", "doubt_settled"] == [k for k in kinds if "doubt" in k]


async def test_tool_that_hangs_is_given_up_and_the_session_goes_on(tmp_path: Path) -> None:
    def little_time(document: dict[str, Any]) -> None:
        """For the call that hangs; the others may take as long as a busy machine needs."""
        ask_in(document)
        document["policy"]["tools"]["release_quote"]["tool_timeout"] = "1s"

    async with world(tmp_path, little_time) as app, app.server():
        session_id = await app.start("sales_quote", TASK)
        request = await app.pending(session_id)
        with app.crm.faults.hanging():
            await app.vote(request, "approve")
            session = await app.over(session_id)
            doubt = await app.request(request["id"])
        await app.ledger(session_id)

    assert ("completed", "in_doubt") == (session["status"], doubt["status"])
    assert "a person is checking" in session["answer"]
    assert "It did not end within 1 s, its time limit" in doubt["result"]["message"]


async def test_result_that_is_longer_than_the_settings_allow_is_kept(tmp_path: Path) -> None:
    async with world(tmp_path) as app:
        limits = app.settings.limits.model_copy(update={"result_chars": 100})
        app.settings = app.settings.model_copy(update={"limits": limits})
        async with app.server():
            session_id = await app.start("sales_quote", TASK)
            await app.over(session_id)
            _, page = await app.call("GET", f"/api/v1/requests?session={session_id}")
            lookup = page["items"][0]
            _, whole = await app.call("GET", f"/api/v1/requests/{lookup['id']}/result")
            await app.ledger(session_id)

    assert "[cut: 100 of " in lookup["result"]["content"]
    assert lookup["result"]["content"].startswith(whole["content"][:100])
    assert "CUST-1001" in whole["content"]
    assert (True, len(whole["content"])) == (whole["complete"], whole["characters"])


async def test_refusal_of_the_back_end_is_no_doubt(app: World) -> None:
    """What it refused it did not do: the agents may propose it again."""
    app.crm.faults.fail(503, path="/quotes", times=2)
    session_id = await app.start("sales_quote", TASK)
    first = await app.pending(session_id)
    await app.vote(first, "approve")
    again = await app.pending(session_id)
    await app.vote(again, "approve")
    await app.over(session_id)

    assert ["failed", "executed"] == [
        (await app.request(request["id"]))["status"] for request in (first, again)
    ]
    assert 1 == len(app.quotes())
