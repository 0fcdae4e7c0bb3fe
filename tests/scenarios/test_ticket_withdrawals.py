"""Taking back in a ticket what one has said there: a vote while nothing is decided, the approval
until its call has begun, and afterwards a sentence on why that is too late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.test_pauses import held, paused, resumed
from tests.scenarios.ticket_world import TicketWorld, ticket_world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]
SYSTEMS = ("jira", "servicenow", "asana")


async def bodies(app: TicketWorld, session_id: str, kind: str) -> list[dict[str, Any]]:
    return [e["body"] for e in await app.ledger(session_id) if e["kind"] == kind]


def tickets(request: dict[str, Any]) -> set[str]:
    """Those in Jira that there are, by now, of a request."""
    return {d["ticket"] for d in request["deliveries"] if d["channel"] == "jira"} - {None}


@pytest.mark.parametrize("system", SYSTEMS)
async def test_an_approval_whose_call_is_held_is_taken_back_by_a_comment(
    tmp_path: Path, system: str
) -> None:
    async with ticket_world(tmp_path, system) as app, app.server():
        request = await app.asked()
        key, session_id = str(app.key(request)), request["session_id"]
        await app.seen()
        pause = await paused(app, tool="release_quote")
        app.desk.answer(key, "approve")
        await held(app, session_id)
        app.desk.comment(key, "withdraw", who="megan")
        stranger = await app.says_in(key, "nothing was taken back")
        still = await app.request(request["id"])
        app.desk.comment(key, "I withdraw my vote")
        await app.until(request["id"], lambda r: r["status"] == "rejected")
        said = await app.says_in(key, "has taken the approval back. Nothing runs")
        await resumed(app, pause)
        revised = await app.pending(session_id)  # what the agents propose instead
        (revoked,) = await bodies(app, session_id, "revoked")
        (*_, decided) = await bodies(app, session_id, "decided")
        quotes = app.quotes()

    assert "only who has, or an administrator, can revoke it" in stranger
    assert "approved" == still["status"]
    assert ("alex", system, "reject") == (decided["by"], decided["via"], decided["verdict"])
    assert f"Taken back by a comment in {key}." == revoked["reason"]
    assert 1 == said.count("has taken the approval back")
    assert request["id"] != revised["id"]
    assert [] == quotes


@pytest.mark.parametrize("system", SYSTEMS)
async def test_after_its_call_has_run_the_ticket_says_that_it_is_too_late(
    tmp_path: Path, system: str
) -> None:
    async with ticket_world(tmp_path, system) as app, app.server():
        request = await app.asked()
        key = str(app.key(request))
        await app.seen()
        app.desk.answer(key, "approve")
        session = await app.over(request["session_id"])
        await app.closed(request)
        app.desk.comment(key, "withdraw")
        said = await app.says_in(key, "nothing was taken back")
        after = await app.request(request["id"])
        quotes = app.quotes()

    assert ("completed", "executed", 1) == (session["status"], after["status"], len(quotes))
    assert "cannot be revoked any more. It is executed now." in said


async def test_a_vote_of_a_step_that_was_through_is_taken_back_in_its_ticket(
    tmp_path: Path,
) -> None:
    steps = [{"roles": ["sales_manager"]}, {"people": ["megan"]}]
    async with ticket_world(tmp_path, "jira", rule={"stages": steps}) as app, app.server():
        request = await app.asked()
        first = str(app.key(request))

        async def another(*but: str) -> str:
            """The ticket that is open, as soon as it is none of these."""
            known = {first, *but}
            await app.until(request["id"], lambda r: tickets(r) - known)
            return (tickets(await app.request(request["id"])) - known).pop()

        app.desk.answer(first, "approve", who="alex")
        second = await another()
        app.desk.comment(first, "withdraw", who="alex")
        again = await app.until(request["id"], lambda r: r["revision"] == 2)
        said = await app.says_in(first, "is taken back. What is asked now has a ticket")
        third = await another(second)
        app.desk.answer(third, "approve", who="alex")
        app.desk.answer(await another(second, third), "approve", who="megan")
        session = await app.over(request["session_id"])
        withdrawn = await bodies(app, request["session_id"], "vote_withdrawn")

    assert "Alex Wilber has taken back an approval" in again["asked_again"]
    assert "The vote of Alex Wilber is taken back" in said
    assert ["alex"] == [each["by"] for each in withdrawn]
    assert "completed" == session["status"]
