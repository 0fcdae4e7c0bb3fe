"""Thousands of votes at once: one decision for each request, one execution, and a clear answer for
everybody who came too late.

`RACES=10000` says how many votes, for each database and each quorum half of them. They come over
the API, from cards in Teams and from tickets in Jira and ServiceNow (webhooks and polls), from
people who may decide, may not, say the same twice, or look at something old.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from countersign.sandbox.botframework.desk import TeamsDesk
from tests.api_client import SAM, TASK
from tests.crash.conftest import Figure
from tests.crash.crowd import Crowd, crowd
from tests.crash.desks import settings_of
from tests.crash.stories import QUOTE, SYSTEMS, TOOL
from tests.crash.voters import Answered, Voter, crowd_of
from tests.processes import Nursery
from tests.stack import Database, Stack

VOTES = int(os.environ.get("RACES", "1000"))
EACH = 21
"""Votes on one request: 17 over the API, 2 in Teams, 2 in tickets."""
AT_ONCE = 8
"""Requests that are voted on at the same moment."""
LEADS_S = (0.0, 0.3, 2.0)
"""How much sooner tickets are answered: a webhook and reading the ticket take their time, and how
much depends on the machine."""
CLEAR = {"api": {200, 403, 409, 410}, "teams": {200, 409}, "jira": {200, 400, 409, 422}}
CLEAR["servicenow"] = {200, 400, 403, 409, 422}
OVER = ("executed", "rejected")


def two_managers(quorum: int) -> Any:
    """Megan may decide as well, and so many have to."""

    def adjust(settings: dict[str, Any]) -> None:
        for person in settings["people"]:
            if person["id"] == "megan":
                person["roles"].append("sales_manager")
        rule = settings["policy"]["tools"][TOOL]
        del rule["roles"]
        rule["stages"] = [{"roles": ["sales_manager"], "quorum": quorum}]
        generous = {"per_s": 100_000, "burst": 100_000}
        settings["limits"] = {"person": generous, "strangers": generous}

    return adjust


async def ask(one: Stack, number: int) -> None:
    """So many sessions as Sam's."""
    gate = asyncio.Semaphore(AT_ONCE)
    body = {"workflow": "sales_quote", "task": TASK}

    async def start(http: aiohttp.ClientSession, key: int) -> None:
        headers = {"Authorization": f"Bearer {SAM}", "Idempotency-Key": f"race-{key}"}
        status = 0
        while status != 201:
            async with (
                gate,
                http.post(f"{one.url}/api/v1/sessions", json=body, headers=headers) as answer,
            ):
                status = answer.status
                assert status in (201, 429), await answer.text()

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(start(http, key) for key in range(number)))


def listed(many: Crowd, query: str = "") -> list[dict[str, Any]]:
    """Every guarded request."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = many.get(f"/requests?limit=200{query}{cursor}")
        found += [request for request in page["items"] if request["tool"] == TOOL]
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"


def shown(many: Crowd, teams: TeamsDesk, number: int) -> list[tuple[dict[str, Any], list[Any]]]:
    """The requests with their cards, once all are shown everywhere."""

    def everywhere() -> list[dict[str, Any]] | None:
        waiting = listed(many, "&status=pending")
        live = sum(all(d["status"] == "live" for d in request["deliveries"]) for request in waiting)
        return waiting if live == number else None

    waiting = many.patient(everywhere, "all to be shown", 300)
    cards: dict[str, list[Any]] = {request["id"]: [] for request in waiting}
    for found in teams.activities():
        text = str(found["activity"].get("attachments"))
        if "approve" in found["verbs"]:
            (request,) = (part for part in cards if part in text)
            cards[request].append(found)
    return [(request, cards[request["id"]]) for request in waiting]


async def vote_at_once(
    one: Stack, requests: list[tuple[dict[str, Any], list[Any]]], quorum: int
) -> list[tuple[str, Answered]]:
    """Everybody's votes, some requests at a time, in no order; who was told what."""
    told: list[tuple[str, Answered]] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        for start in range(0, len(requests), AT_ONCE):
            votes = [
                (request["id"], lead_s, voter)
                for request, cards in requests[start : start + AT_ONCE]
                for lead_s in [random.choice(LEADS_S)]
                for voter in crowd_of(one, request, cards, quorum=quorum)
            ]
            random.shuffle(votes)
            answers = await asyncio.gather(*(late(v, lead_s, http) for _, lead_s, v in votes))
            told += [(voted[0], answer) for voted, answer in zip(votes, answers, strict=True)]
    return told


async def late(voter: Voter, lead_s: float, http: aiohttp.ClientSession) -> Answered:
    """Who votes in a ticket does it at once, everybody else after `lead_s`."""
    if voter.__qualname__.startswith("by_ticket"):
        return await voter(http)
    await asyncio.sleep(lead_s)  # the distance between them is the input
    return await voter(http)


def check_answers(request: Mapping[str, Any], answers: list[Answered], quorum: int) -> None:
    """As many were told that their vote counts as votes count; everybody was told something."""
    unclear = [a for a in answers if a.status not in CLEAR[a.way]]
    by_api = sum(vote["via"] == "api" for vote in request["votes"])
    voters = [vote["by"] for vote in request["votes"]]

    assert [] == unclear
    assert by_api == sum(a.way == "api" and a.status == 200 for a in answers)
    assert request["status"] in OVER
    assert len(set(voters)) == len(voters) == quorum
    assert {"alex", "megan"} >= set(voters)


def check_ledger(many: Crowd, request: Mapping[str, Any], quorum: int) -> None:
    """One decision on record, and at most one execution."""
    found = many.get(f"/ledger?session={request['session_id']}")
    kinds = Counter(e["kind"] for e in found["items"] if e["body"].get("request") == request["id"])

    assert found["verified"]
    assert (quorum, 1) == (kinds["voted"], kinds["decided"])
    assert kinds["claimed"] == kinds["executed"] == (request["status"] == "executed")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("quorum", [1, 2], ids=["one decides", "two together"])
def test_racing_votes_are_one_decision_and_one_execution(
    tmp_path: Path, nursery: Nursery, database: Database, quorum: int, figure: Figure
) -> None:
    """Two approvals at the same moment add up, and no more than the quorum counts."""
    number = max(1, VOTES // 2 // EACH)
    around: dict[str, Any] = {"bot_framework": True, "tickets": settings_of(*SYSTEMS)}
    around["lease_s"] = ""  # nobody dies here
    with crowd(tmp_path, nursery, database, adjust=two_managers(quorum), **around) as many:
        one, teams = many.one, many.teams
        assert teams is not None
        for person in ("Alex Wilber", "Megan Bowen"):
            teams.write("help", person)
        asyncio.run(ask(one, number))
        requests = shown(many, teams, number)
        told = asyncio.run(vote_at_once(one, requests, quorum))
        many.patient(lambda: all(r["status"] in OVER for r in listed(many)), "the end", 300)
        after = {request["id"]: request for request in listed(many)}

        assert number == len(after)
        for request_id, request in after.items():
            check_answers(request, [a for voted, a in told if voted == request_id], quorum)
            check_ledger(many, request, quorum)
        executed = sum(request["status"] == "executed" for request in after.values())
        assert executed == len(one.effects(QUOTE))
        assert one.ledger_verifies()
        figure(summary(database, quorum, told, after, executed))


def summary(
    database: Database,
    quorum: int,
    told: list[tuple[str, Answered]],
    after: Mapping[str, Mapping[str, Any]],
    executed: int,
) -> str:
    """The line for docs/guarantees.md."""
    ways = Counter(answer.way for _, answer in told)
    counted = Counter(vote["via"] for request in after.values() for vote in request["votes"])
    refused = Counter(a.status for _, a in told if a.way == "api" and a.status != 200)
    return (
        f"races {database}, quorum {quorum}: {len(told)} votes {dict(ways)} on {len(after)} "
        f"requests: counted {dict(counted)}, refused over the API {dict(sorted(refused.items()))}; "
        f"{len(after)} decisions, 0 double; {executed} executions, 0 double"
    )
