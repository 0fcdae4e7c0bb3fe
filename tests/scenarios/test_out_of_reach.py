"""People and chats that cannot be reached for a while, and addresses that change, in the whole
application: what waits goes out afterwards, and people are told meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.bot.cli import doctor
from tests.scenarios.world import World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("both_databases")]

TASK = "quote for Contoso, 25 seats"
ALEX, MEGAN = "Alex Wilber", "Megan Bowen"


@pytest_asyncio.fixture
async def idle(tmp_path: Path) -> AsyncIterator[World]:
    """The stand-ins; Megan may decide as Alex may."""
    async with world(tmp_path) as started:
        people = tuple(
            person.model_copy(update={"roles": frozenset({"sales_manager"})})
            if person.id in {"alex", "megan"}
            else person
            for person in started.settings.people
        )
        started.settings = started.settings.model_copy(update={"people": people})
        yield started


@pytest_asyncio.fixture
async def app(idle: World) -> AsyncIterator[World]:
    """Everything, running."""
    async with idle.server():
        yield idle


async def delivery(app: World, request: dict[str, Any], who: str = "alex") -> Any:
    """The delivery of the request to one person, as soon as it was tried."""

    async def look() -> Any:
        found = (await app.request(request["id"]))["deliveries"]
        mine = [d for d in found if d["target"] == f"person:{who}"]
        return mine[0] if mine and (mine[0]["error"] or mine[0]["status"] != "pending") else None

    return await app.eventually(look)


async def becomes(app: World, request: dict[str, Any], status: str) -> None:
    """Alex's delivery gets this status."""

    async def look() -> Any:
        return (await delivery(app, request))["status"] == status or None

    await app.eventually(look)


def cards(app: World, request: dict[str, Any]) -> list[str]:
    """What everybody sees of the request, by card."""
    found = (str(m.card()) for m in app.teams.messages() if m.from_bot and m.card())
    return [card for card in found if request["id"] in card]


def greetings(app: World) -> int:
    return sum("I put a person's approval" in m.text for m in app.teams.messages() if m.from_bot)


async def test_click_that_comes_with_a_new_address_moves_the_card_there(app: World) -> None:
    await app.teams.send_message(ALEX, TASK, conversation="group")  # counts as Sam's
    message = await app.teams.wait_for_card(timeout_s=30)
    app.teams.move()
    answer = await app.teams.click(message, "approve", person=ALEX)
    assert "✓ Approved" in str(answer.card)

    await app.teams.wait_for(lambda m: m.id == message.id and "done" in str(m.card()), timeout_s=30)
    await app.says("is released")
    old = [r.path for r in app.teams.requests if r.path.startswith("/emea/")]
    assert sum(message.id in path for path in old) <= 1  # an update that the click has overtaken


async def test_card_waits_for_who_uninstalled_the_app_and_comes_when_they_add_it(
    app: World,
) -> None:
    await app.teams.install(ALEX)
    await app.teams.uninstall(ALEX)
    session = await app.start("sales_quote", TASK)
    request = await app.pending(session)
    waiting = await delivery(app, request)

    why = "Alex Wilber cannot be reached in Microsoft Teams: has uninstalled the app."
    assert ("unreachable", why) == (waiting["status"], waiting["error"])
    assert cards(app, request) == []

    before = greetings(app)
    await app.teams.install(ALEX)
    await becomes(app, request, "live")
    assert len(cards(app, request)) == 1
    assert greetings(app) == before


async def test_card_from_before_is_brought_up_to_date_when_the_app_is_there_again(
    app: World,
) -> None:
    await app.teams.install(ALEX)
    request = await app.pending(await app.start("sales_quote", TASK))
    await app.card(request["id"])
    await app.teams.uninstall(ALEX)
    await app.vote(request, "reject", person="megan", comment="no")
    await becomes(app, request, "unreachable")
    assert "Approval needed" in cards(app, request)[0]

    await app.teams.install(ALEX)
    await becomes(app, request, "closed")
    assert "✗ Rejected" in cards(app, request)[0]


async def test_any_activity_ends_it_for_who_has_blocked_the_bot(app: World) -> None:
    """Teams tells nobody of blocking, nor of its end."""
    await app.teams.install(ALEX)
    chat = app.teams.refuse(person=ALEX)
    request = await app.pending(await app.start("sales_quote", TASK))
    assert "has blocked the bot" in (await delivery(app, request))["error"]

    chat.refusal = None
    await app.teams.send_message(ALEX, "help")
    await becomes(app, request, "live")
    assert len(cards(app, request)) == 1


async def test_whoever_asked_is_told_who_can_decide_and_when_nobody_can(app: World) -> None:
    await app.teams.install(ALEX)
    await app.teams.install(MEGAN)
    await app.teams.install("Adele Vance")
    alex = app.teams.refuse(person=ALEX)
    await app.teams.send_message("Adele Vance", TASK)  # counts as Sam's
    await app.says(
        "Release quote (R-",
        "Alex Wilber cannot be reached in Microsoft Teams: has blocked the bot; "
        "Megan Bowen can decide.",
    )
    app.teams.refuse(person=MEGAN, code="BotDisabledByAdmin")
    await app.teams.send_message("Adele Vance", TASK.replace("Contoso", "Fabrikam"))
    await app.says(
        "nobody who may decide it can be reached in Microsoft Teams now.",
        "Megan Bowen cannot be reached in Microsoft Teams: may not use the app, as an "
        "administrator has disabled it",
    )
    await app.teams.send_message("Adele Vance", "status")
    await app.says("`: waiting", "; Alex Wilber cannot be reached in Microsoft Teams")
    assert alex.refusal is not None


async def test_thread_of_a_team_waits_until_the_app_is_in_the_team_again(app: World) -> None:
    """The app is added to a team as a whole; the event comes from another conversation of it."""
    await app.teams.send_message(ALEX, TASK, conversation="channel")
    card = await app.teams.wait_for_card(timeout_s=30)
    _, page = await app.call("GET", "/api/v1/requests?status=pending")
    (request,) = page["items"]
    general = str(app.teams.world.team["id"])
    await app.teams.uninstall(ALEX, conversation=general)
    await app.vote(request, "reject", comment="no")

    async def held() -> Any:
        (found,) = (await app.request(request["id"]))["deliveries"]
        return found["status"] == "unreachable" or None

    await app.eventually(held)
    await app.teams.install(ALEX, conversation=general)
    await app.teams.wait_for(
        lambda m: m.id == card.id and "✗ Rejected" in str(m.card()), timeout_s=30
    )


async def test_doctor_names_who_is_out_of_reach(
    app: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await app.teams.install(ALEX)
    await app.teams.uninstall(ALEX)
    await delivery(app, await app.pending(await app.start("sales_quote", TASK)))
    capsys.readouterr()
    await doctor._out_of_reach(app.settings)
    said = capsys.readouterr().out

    why = "has uninstalled the app"
    assert f"out of reach: Alex Wilber cannot be reached in Microsoft Teams: {why}." in said
    assert "Requests that wait for it: 1" in said
    assert "out of reach: Alex Wilber, since 20" in said
    missing = app.settings.model_copy(update={"database_url": "sqlite:////nowhere/x.db"})
    await doctor._out_of_reach(missing)
    assert capsys.readouterr().out == ""


async def test_readiness_counts_chats_that_are_closed(app: World) -> None:
    await app.teams.install(ALEX)

    async def ready() -> Any:  # its jobs have swept once
        status, answer = await app.call("GET", "/readyz")
        return answer if status == 200 else None

    before = await app.eventually(ready)
    await app.teams.uninstall(ALEX)
    status, after = await app.call("GET", "/readyz")

    assert (before["systems"], status) == ({}, 200)
    assert after["systems"] == {"teams": "closed to the bot: 1 conversation"}
