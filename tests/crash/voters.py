"""People who vote at the same moment: over the API, on cards in Teams, and in tickets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp

from countersign.sandbox.botframework.desk import TeamsDesk
from countersign.sandbox.desk import NotDoneError
from tests.api_client import ADELE, ALEX, MEGAN, SAM
from tests.crash.desks import desk_of, people_of
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
    click = partial(TeamsDesk(people_of(one)).click, card["id"], verdict, person=person, **inputs)

    async def vote(_: aiohttp.ClientSession) -> Answered:
        try:
            status, said = await asyncio.to_thread(click)
        except NotDoneError as error:
            if error.status != 422:
                raise
            return Answered("teams", 409, str(error))  # the card had no such button any more
        return Answered("teams", int(said.get("statusCode", status)), str(said))

    return vote


def by_ticket(one: Stack, system: str, key: str) -> Voter:
    """Alex approves the ticket; the webhook and the poll do the rest."""
    desk = desk_of(one, system)

    async def vote(_: aiohttp.ClientSession) -> Answered:
        try:
            return Answered(system, 200, await asyncio.to_thread(desk.answer, key, "approve"))
        except NotDoneError as error:
            return Answered(system, error.status, str(error))

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
