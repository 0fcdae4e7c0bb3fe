"""Two people's clicks at the same moment: one in Teams, one in the ticket."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from countersign.bot.teams.pacing import paced_for_teams
from countersign.sandbox.botframework.cards import CardError
from countersign.sandbox.botframework.world import Message
from countersign.sandbox.desk import Answer as TicketAnswer
from countersign.sandbox.desk import NotDoneError
from tests.scenarios.ticket_world import TASK, TOOL, TicketWorld

VERDICTS: tuple[TicketAnswer, ...] = ("approve", "reject")
AT_ONCE = 10
"""Races that are under way together."""
LEAD_S, LEAD_FACTOR = 0.1, 1.5
"""How long before the click in Teams the ticket is answered, about: a webhook and reading the
ticket take their time, how much depends on the machine; so the loser gets a better start."""


def unpace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything of a race into its one conversation at once: what Teams allows there would
    stretch a hundred races over five minutes. tests/bot/teams/test_pacing.py is about that."""
    monkeypatch.setattr(
        "countersign.bot.teams.adapter.paced_for_teams", lambda: paced_for_teams(())
    )


async def ask_in_teams(app: TicketWorld, number: int) -> list[dict[str, Any]]:
    """So many requests that wait, each with its card and its ticket."""
    before = {r["id"] for r in await waiting(app)}
    for _ in range(number):
        await app.teams.send_message("Alex Wilber", TASK)

    async def look() -> list[dict[str, Any]] | None:
        found = [r for r in await waiting(app) if r["id"] not in before]
        return found if len(found) == number and all(map(app.key, found)) else None

    found: list[dict[str, Any]] = await app.eventually(look)
    await asyncio.gather(*(app.card(request["id"]) for request in found))
    return found


async def waiting(app: TicketWorld) -> list[dict[str, Any]]:
    """Everything that waits for an answer."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        query = f"/api/v1/requests?status=pending&limit=100{cursor}"
        _, page = await app.call("GET", query)
        found += [request for request in page["items"] if request["tool"] == TOOL]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def race(app: TicketWorld, request: dict[str, Any], lead_s: float) -> None:
    """Decide it in both at once; the click comes `lead_s` after the answer in the ticket."""
    message = await app.card(request["id"])
    in_teams, in_ticket = random.choice(VERDICTS), random.choice(VERDICTS)
    with suppress(NotDoneError):  # closed already
        app.desk.answer(str(app.key(request)), in_ticket)
    await asyncio.sleep(lead_s)  # the distance between the two is the input
    words = {"comment": "Too much."} if in_teams == "reject" else {}
    with suppress(CardError):  # the card shows the decision already
        await app.teams.click(message, in_teams, words, person="Alex Wilber")


async def run_races(app: TicketWorld, number: int) -> list[dict[str, Any]]:
    """Decide so many requests in both places at once; the requests as they are then."""
    found = await ask_in_teams(app, number)
    lead_s = LEAD_S
    for start in range(0, number, AT_ONCE):
        batch = found[start : start + AT_ONCE]
        await asyncio.gather(*(race(app, r, random.uniform(0.0, 2 * lead_s)) for r in batch))
        decided = [await app.decided(request) for request in batch]
        in_teams = wins(decided)["teams"]
        lead_s *= LEAD_FACTOR if in_teams > len(batch) / 2 else 1 / LEAD_FACTOR
    return [await app.until(r["id"], lambda r: app.shown(r)["status"] == "closed") for r in found]


async def check_race(app: TicketWorld, request: dict[str, Any]) -> None:
    """One decision, and both places say the same of it."""
    (vote,) = request["votes"]
    approved = vote["verdict"] == "approve"
    kinds = await app.kinds(request)
    key = str(app.key(request))
    said = app.said(key)
    title = "✓ Approved and done" if approved else "✗ Rejected"
    through = {"teams": "Microsoft Teams", "jira": "Jira", "servicenow": "ServiceNow"}[vote["via"]]

    def shows_it(message: Message) -> bool:
        card = str(message.card())
        return request["id"] in card and title in card and f"through {through}" in card

    await app.teams.wait_for(shows_it, timeout_s=10)
    assert (1, 1) == (kinds.count("voted"), kinds.count("decided"))
    assert {True: "executed", False: "rejected"}[approved] == request["status"]
    assert ("it ran once" if approved else "Nothing ran") in said
    assert not app.desk.ticket(key).asks


def wins(requests: Sequence[dict[str, Any]]) -> Counter[str]:
    """Where they were decided."""
    return Counter(request["votes"][0]["via"] for request in requests)
