"""People who vote at the same moment: over the API, on cards in Teams, and in tickets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.api_client import ADELE, ALEX, MEGAN, SAM
from tests.stack import Stack

STOP = "Stop: not now."
"""A reason for which the agents propose nothing else."""
STALE = "0" * 64
"""The digest of no revision."""
AGAIN = 429
"""Come again later: not an answer to the vote."""


@dataclass(frozen=True)
class Answered:
    """What a voter was told."""

    way: str
    status: int
    """Of HTTP; for a click the `statusCode` inside the answer."""
    text: str


Voter = Callable[[aiohttp.ClientSession], Awaitable[Answered]]


def by_api(
    one: Stack, request: Mapping[str, Any], token: str, verdict: str, *, digest: str = ""
) -> Voter:
    """A vote through the API; tried again for as long as the server says 429."""
    body = {"verdict": verdict, "digest": digest or request["digest"]}
    if verdict == "reject":
        body["comment"] = STOP
    url = f"{one.url}/api/v1/requests/{request['id']}/votes"

    async def vote(http: aiohttp.ClientSession) -> Answered:
        while True:
            headers = {"Authorization": f"Bearer {token}"}
            async with http.post(url, json=body, headers=headers) as answer:
                if answer.status != AGAIN:
                    return Answered("api", answer.status, await answer.text())

    return vote


def by_click(one: Stack, card: Mapping[str, Any], person: str, verdict: str) -> Voter:
    """A click on the card that this person was sent."""
    inputs = {"comment": STOP} if verdict == "reject" else {}
    body = {"from": person, "activity_id": card["id"], "verb": verdict, "inputs": inputs}
    url = f"{one.people['url']}/_sandbox/click"

    async def vote(http: aiohttp.ClientSession) -> Answered:
        async with http.post(url, json=body) as answer:
            said = await answer.json()
            if answer.status == 422:  # the card had no such button any more
                return Answered("teams", 409, str(said))
            inner = said.get("body") or {}
            return Answered("teams", int(inner.get("statusCode", said["status"])), str(inner))

    return vote


def by_ticket(one: Stack, system: str, key: str) -> Voter:
    """Alex approves the ticket; the webhook and the poll do the rest."""
    body: dict[str, Any] = {"as": "alex", "action": "transition", "key": key, "to_status": "10002"}
    if system == "servicenow":
        body = {"user": "alex.wilber", "do": "approve", "number": key}
    url = f"{one.tickets[system]['url']}/_sandbox/act"

    async def vote(http: aiohttp.ClientSession) -> Answered:
        async with http.post(url, json=body) as answer:
            return Answered(system, answer.status, await answer.text())

    return vote


def crowd_of(
    one: Stack, request: Mapping[str, Any], cards: Sequence[Mapping[str, Any]], *, quorum: int
) -> list[Voter]:
    """Twenty votes on one request; with a quorum of two nobody rejects, so that it must be met."""
    against = "reject" if quorum == 1 else "approve"
    votes = [
        *(by_api(one, request, ALEX, "approve") for _ in range(4)),
        *(by_api(one, request, MEGAN, "approve") for _ in range(4)),
        *(by_api(one, request, ALEX, against) for _ in range(2)),
        *(by_api(one, request, MEGAN, against) for _ in range(2)),
        *(by_api(one, request, ADELE, "approve") for _ in range(2)),
        by_api(one, request, SAM, "approve"),
        *(by_api(one, request, ALEX, "approve", digest=STALE) for _ in range(2)),
    ]
    people = {"user-id-0": "Alex Wilber", "user-id-1": "Megan Bowen"}
    for card in cards:
        (person,) = (name for part, name in people.items() if part in card["conversation_id"])
        votes.append(by_click(one, card, person, "approve" if person[0] == "A" else against))
    for delivery in request["deliveries"]:
        if delivery["channel"] in one.tickets:
            votes.append(by_ticket(one, delivery["channel"], delivery["ticket"]))
    return votes
