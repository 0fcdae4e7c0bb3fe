"""What does not fit on a card is approved by nobody who has not read it elsewhere."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from countersign.approvals.models import PrincipalId
from countersign.sandbox.botframework.world import Message
from tests.bot.teams.stage import ALEX, ISAIAH, STRANGER, Stage, stage
from tests.bot.teams.test_cards import nodes, texts
from tests.doubles.links import links

pytestmark = pytest.mark.asyncio
LONG = {"customer": "Contoso " * 4_000, "amount": 24000}


@pytest_asyncio.fixture
async def readable(tmp_path: Path) -> AsyncIterator[Stage]:
    """Teams, with a page to read on."""
    async with stage(tmp_path, links=links()) as running:
        yield running


def verbs(card: object) -> set[str]:
    return {str(node["verb"]) for node in nodes(card) if "verb" in node}


async def forged(world: Stage, card: Message, verb: str, who: str = ALEX) -> str:
    """A click that the card does not offer; what the clicker then reads."""
    content = card.card(world.teams.world.person(who)) or {}
    content["actions"].append({**content["actions"][-1], "verb": verb})
    return texts((await world.teams.click(card, verb, person=who)).card)


async def test_it_is_not_offered_and_a_forged_click_counts_for_nothing(readable: Stage) -> None:
    request = await readable.pending(arguments=LONG)
    (card,) = readable.cards()
    assert {"ask", "read", "reject"} == verbs(card.card())

    for verb in ("approve", "edit", "save"):
        assert "This card does not show all of it." in await forged(readable, card, verb)
    assert "pending" == await readable.status(request.id)
    refused = [e.body["reason"] for e in await readable.records.ledger(request.session_id)
               if e.kind == "vote_refused"]  # fmt: skip
    assert "This card does not show all of it." in refused[0]


async def test_button_answers_with_a_link_for_the_one_who_pressed_it(readable: Stage) -> None:
    await readable.pending(arguments=LONG)
    (card,) = readable.cards()
    answer = await readable.teams.click(card, "read", person=ALEX)
    (url,) = [str(n["url"]) for n in nodes(answer.card) if n.get("type") == "Action.OpenUrl"]

    invitation = links(clock=readable.clock).read(url.rpartition("/")[2])
    assert ("alex", "teams") == (invitation.person, invitation.place)
    assert {"back", "read"} == verbs(answer.card)
    assert {"ask", "read", "reject"} == verbs(readable.cards()[0].card())


async def test_stranger_gets_no_link(readable: Stage) -> None:
    await readable.pending(arguments=LONG)
    (card,) = readable.cards()
    answer = await readable.teams.click(card, "read", person=STRANGER)

    assert "/read/" not in str(answer.card)


async def test_whoever_has_read_it_approves_it_on_the_card_and_nobody_else(readable: Stage) -> None:
    request = await readable.pending(arguments=LONG)
    await readable.approvals.opened(request.id, PrincipalId("alex"), revision=1, link="teams")
    await readable.settle()
    (card,) = readable.cards()
    assert "Read by \nAlex Wilber" in texts(card.card())
    assert {"ask", "read", "approve", "edit", "reject"} == verbs(card.card())

    other = await readable.teams.click(card, "approve", person=ISAIAH)
    assert "This card does not show all of it." in texts(other.card)
    assert "pending" == await readable.status(request.id)
    await readable.teams.click(card, "approve", person=ALEX)
    assert "approved" == await readable.status(request.id)


async def test_rejecting_needs_no_reading(readable: Stage) -> None:
    request = await readable.pending(arguments=LONG)
    (card,) = readable.cards()
    await readable.teams.click(card, "reject", {"comment": "Too long."}, person=ALEX)

    assert "rejected" == await readable.status(request.id)


async def test_link_is_said_where_a_card_cannot_be_shown_to_one_person(tmp_path: Path) -> None:
    async with stage(
        tmp_path,
        signed=False,
        channel_id="emulator",
        local_requester="sam",
        local_approver="alex",
        links=links(),
    ) as webchat:
        await webchat.pending(arguments=LONG)
        await webchat.teams.click(webchat.cards()[0], "read", person=ALEX)
        await webchat.settle()

        said = "\n".join(webchat.texts())  # that Isaiah cannot be reached may be said after it
        assert re.search(r"https://gate\.example/read/[\w.-]+", said)
