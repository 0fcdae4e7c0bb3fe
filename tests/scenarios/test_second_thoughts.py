"""A question changes the agent's mind: on the card, in the ticket, in the inbox; what runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from countersign.sandbox.openai.rules import Rule, RuleCall
from tests.scenarios.test_ticket_rules import BOTH_OF_THEM, SYSTEMS, tickets
from tests.scenarios.ticket_world import TASK, TicketWorld, ticket_world

pytestmark = pytest.mark.usefixtures("both_databases")

WHY = "A frame agreement caps it at 5 %."
ASK = "Does the frame agreement allow 12 %?"


def thinks(app: TicketWorld, name: str, **arguments: Any) -> None:
    """From now on a question makes the model call this."""
    call = RuleCall(name=name, arguments={**arguments, "reason": WHY})
    app.office.model.rules = [
        Rule(contains="asks before that", calls=(call,)),
        *app.office.model.rules,
    ]


async def asked_in_teams(app: TicketWorld) -> dict[str, Any]:
    """A request with a card in the thread in which it was asked for, and a ticket."""
    await app.teams.send_message("Alex Wilber", TASK)

    async def look() -> Any:
        items = (await app.call("GET", "/api/v1/requests?status=pending"))[1]["items"]
        return items[0] if items else None

    found = await app.eventually(look)
    return await app.ticketed(found["id"])


async def ask(app: TicketWorld, request: dict[str, Any]) -> dict[str, Any]:
    """The request, as soon as the question is answered."""
    status, _ = await app.call(
        "POST", f"/api/v1/requests/{request['id']}/questions", person="alex", json={"text": ASK}
    )
    assert status == 202
    return await app.until(request["id"], lambda r: r["questions"][0]["status"] == "answered")


async def inbox(app: TicketWorld, request: dict[str, Any], person: str = "alex") -> str:
    """What the page of a request says, as text."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(f"{app.url}/inbox/sign-in") as page:
            (csrf,) = set(re.findall(r'name="csrf" value="([0-9a-f]+)"', await page.text()))
        form = {"csrf": csrf, "person": person}
        same = {"Sec-Fetch-Site": "same-origin"}
        async with http.post(
            f"{app.url}/inbox/sign-in/local", data=form, headers=same
        ) as signed_in:
            assert signed_in.status == 200
        async with http.get(f"{app.url}/inbox/requests/{request['id']}") as page:
            return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", await page.text()))


@pytest.mark.parametrize("system", SYSTEMS)
async def test_changed_proposal_is_asked_anew_everywhere(tmp_path: Path, system: str) -> None:
    """Megan had approved the first in the ticket; the second needs both of them again."""
    async with ticket_world(tmp_path, system, rule=BOTH_OF_THEM) as app, app.server():
        request = await asked_in_teams(app)
        first = str(app.key(request))
        old_card = await app.card(request["id"])
        app.desk.answer(first, "approve", who="megan")
        await app.asks_again(first, "1 more of 2 have to approve")
        wanted = {**request["arguments"], "discount_percent": 5, "amount": 27075}
        thinks(app, "revise_proposal", arguments=wanted)
        await ask(app, request)
        after = await app.until(request["id"], lambda r: "ticket:2.0" in tickets(app, r))
        second = tickets(app, after)["ticket:2.0"]
        old = await app.says_in(first, "changed its proposal")
        card = await app.teams.wait_for(
            lambda m: m.id == old_card.id and "Asked again" in str(m.card()), timeout_s=30
        )
        changed = str(card.card())  # before it is decided
        page = await inbox(app, request)
        app.desk.answer(second, "approve", who="megan")
        await app.asks_again(second, "1 more of 2 have to approve")
        app.desk.answer(second, "approve", who="alex")
        session = await app.over(request["session_id"])

        assert ("pending", 2, wanted) == (after["status"], after["revision"], after["arguments"])
        assert f"I change this. {WHY}" == after["questions"][0]["answer"]
        assert "needs no answer any more" in old
        assert WHY in changed
        assert "changed its proposal" in page
        assert ASK in page
        assert [wanted] == app.quotes()
        assert "completed" == session["status"]
        await app.says("What Megan")
        assert "asked_again" in await app.kinds(request)


@pytest.mark.parametrize("system", SYSTEMS)
async def test_withdrawn_proposal_does_not_run_and_the_chat_goes_on(
    tmp_path: Path, system: str
) -> None:
    """It is over on the card, in the ticket and in the inbox, and no answer counts any more."""
    async with ticket_world(tmp_path, system, rule=BOTH_OF_THEM) as app, app.server():
        request = await asked_in_teams(app)
        key = str(app.key(request))
        old_card = await app.card(request["id"])
        app.desk.answer(key, "approve", who="megan")
        await app.asks_again(key, "1 more of 2 have to approve")
        thinks(app, "withdraw_proposal")
        await ask(app, request)
        after = await app.decided(request)
        said = await app.closed(request)
        card = await app.teams.wait_for(
            lambda m: m.id == old_card.id and WHY in str(m.card()), timeout_s=30
        )
        page = await inbox(app, request)
        status, late = await app.vote(request, "approve")

        assert ("cancelled", "withdrawn") == (after["status"], after["result"]["cause"])
        assert WHY in said
        assert "took this back" in str(card.card())
        assert "took this back" in page
        assert (409, []) == (status, app.quotes())
        assert late["title"]
        assert "not_executed" in await app.kinds(request)
