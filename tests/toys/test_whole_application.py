"""A chat of AutoGen waits for somebody in a system that this product does not know."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import countersign.bot.cli.doctor as doctor
from countersign.approvals.errors import ConfigurationError
from countersign.bot.settings.sections import Settings
from countersign.bot.systems import SYSTEMS
from countersign.connectors.system import System
from countersign.sandbox.standins import ask_in
from tests.scenarios import world as scenarios
from tests.scenarios.world import World
from tests.toys.toychat import service as chat_service
from tests.toys.toychat.service import Message, ToyChat, signature
from tests.toys.toychat.system import SYSTEM as TOYCHAT
from tests.toys.toydesk import service as desk_service
from tests.toys.toydesk.service import Ticket, ToyDesk
from tests.toys.toydesk.system import SYSTEM as TOYDESK

TASK = "quote for Contoso, 25 seats"
ENVIRON = {
    "TOYCHAT_TOKEN": chat_service.TOKEN,
    "TOYCHAT_SECRET": chat_service.SECRET,
    "TOYDESK_TOKEN": desk_service.TOKEN,
    "TOYDESK_SECRET": desk_service.SECRET,
}


@asynccontextmanager
async def world(
    folder: Path, system: System[Any], section: Mapping[str, Any]
) -> AsyncIterator[World]:
    """The whole application, with one more system in the list, in which everything is asked."""

    def adjust(document: dict[str, Any]) -> None:
        document["connectors"] = {system.name: dict(section)}
        for person in document["people"]:
            person["identities"] = {system.name: f"@{person['id']}"}
        ask_in(document, system.name)

    systems = (*SYSTEMS, system)
    async with scenarios.world(folder, adjust, environ=ENVIRON, systems=systems) as app:
        yield app


@pytest_asyncio.fixture
async def chat() -> AsyncIterator[ToyChat]:
    async with ToyChat.start() as running:
        yield running


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[ToyDesk]:
    async with ToyDesk.start() as running:
        yield running


@pytest_asyncio.fixture
async def by_chat(chat: ToyChat, tmp_path: Path) -> AsyncIterator[World]:
    section = {
        "url": chat.url,
        "token_env": "TOYCHAT_TOKEN",
        "webhook_secret_env": "TOYCHAT_SECRET",
    }
    async with world(tmp_path, TOYCHAT, section) as app, app.server():
        chat.hook_url = f"{app.url}/webhooks/toychat"
        yield app


@pytest_asyncio.fixture
async def by_desk(desk: ToyDesk, tmp_path: Path) -> AsyncIterator[World]:
    section = {
        "url": desk.url,
        "account": desk_service.ACCOUNT,
        "token_env": "TOYDESK_TOKEN",
        "webhook_secret_env": "TOYDESK_SECRET",
        "poll_every_s": 1,
    }
    async with world(tmp_path, TOYDESK, section) as app, app.server():
        yield app


async def message_of(app: World, chat: ToyChat, request: Mapping[str, Any]) -> Message:
    async def look() -> Message | None:
        found = (m for m in chat.messages.values() if m.data.get("request") == request["id"])
        return next((m for m in found if m.to == "@alex"), None)

    found = await app.eventually(look)
    assert isinstance(found, Message)
    return found


async def ticket_of(app: World, desk: ToyDesk, request: Mapping[str, Any]) -> Ticket:
    async def look() -> Ticket | None:
        found = (t for t in desk.tickets.values() if t.order.startswith(request["id"]))
        return next(found, None)

    found = await app.eventually(look)
    assert isinstance(found, Ticket)
    return found


async def asked(app: World) -> dict[str, Any]:
    return await app.pending(await app.start("sales_quote", TASK), tool="release_quote")


async def test_button_in_the_chat_runs_it_once(by_chat: World, chat: ToyChat) -> None:
    request = await asked(by_chat)
    message = await message_of(by_chat, chat, request)
    told = await chat.press(message, "approve", press_id="p-once")
    again = await chat.press(message, "approve", press_id="p-once")
    session = await by_chat.over(request["session_id"])
    after = await by_chat.request(request["id"])

    assert ("Thank you: decided.", "Thank you: decided.") == (told, again)
    assert "completed" == session["status"]
    assert [request["arguments"]] == by_chat.quotes()
    (vote,) = after["votes"]
    assert ("alex", "toychat") == (vote["by"], vote["via"])
    await by_chat.ledger(request["session_id"])

    async def is_told() -> bool | None:
        return "through Toy Chat" in chat.messages[message.id].text or None

    await by_chat.eventually(is_told)


async def test_form_in_the_chat_changes_what_runs(by_chat: World, chat: ToyChat) -> None:
    request = await asked(by_chat)
    message = await message_of(by_chat, chat, request)
    wrong = await chat.press(message, "change", values={"discount_percent": "lots"})
    told = await chat.press(message, "change", values={"discount_percent": "5"})
    await by_chat.over(request["session_id"])

    assert "discount_percent" in wrong
    assert "Thank you: decided." == told
    assert [5] == [quote["discount_percent"] for quote in by_chat.quotes()]


async def test_stranger_and_loser_are_told_why(by_chat: World, chat: ToyChat) -> None:
    request = await asked(by_chat)
    message = await message_of(by_chat, chat, request)
    stranger = await chat.press(message, "approve", person="@mallory")
    await by_chat.vote(request, "reject", comment="Too much.")
    loser = await chat.press(message, "approve")

    assert "You are not known here" in stranger
    assert "Too late: Alex Wilber decided through the API" in loser
    assert [] == by_chat.quotes()


async def test_unsigned_press_decides_nothing(by_chat: World, chat: ToyChat) -> None:
    request = await asked(by_chat)
    message = await message_of(by_chat, chat, request)
    body = {"id": "p", "message": message.id, "person": "@alex", "button": "approve"}
    sent = json.dumps({**body, **message.data}).encode()
    statuses = [
        (await chat.tell(sent, signed)).status_code
        for signed in ("", b"sha256=\xff", signature(sent, "another"), signature(sent[:-1]))
    ]

    assert [401] * 4 == statuses
    assert "pending" == (await by_chat.request(request["id"]))["status"]


@pytest.mark.parametrize("hears", [True, False], ids=["webhook", "poll"])
async def test_ticket_runs_it_once(by_desk: World, desk: ToyDesk, hears: bool) -> None:
    request = await asked(by_desk)
    ticket = await ticket_of(by_desk, desk, request)
    desk.hook_url = f"{by_desk.url}/webhooks/toydesk" if hears else ""
    desk.say(ticket.id, "@alex", "Rounded.\nChanges:\ndiscount_percent: 5")
    desk.set(ticket.id, "@alex", "approved")
    session = await by_desk.over(request["session_id"])
    after = await by_desk.request(request["id"])

    assert "completed" == session["status"]
    assert [5] == [quote["discount_percent"] for quote in by_desk.quotes()]
    (vote,) = after["votes"]
    assert ("alex", "toydesk", "Rounded.") == (vote["by"], vote["via"], vote["comment"])

    async def is_told() -> bool | None:
        said = "\n".join(comment["text"] for comment in desk.tickets[ticket.id].comments)
        return ("Done: it ran once" in said and not desk.tickets[ticket.id].open) or None

    await by_desk.eventually(is_told)


async def test_ticket_answered_by_nobody_we_know_asks_again(by_desk: World, desk: ToyDesk) -> None:
    request = await asked(by_desk)
    ticket = await ticket_of(by_desk, desk, request)
    desk.set(ticket.id, "@mallory", "approved")

    async def asks_again() -> bool | None:
        now = desk.tickets[ticket.id]
        said = "\n".join(comment["text"] for comment in now.comments)
        return (now.state == "waiting" and "does not count" in said) or None

    await by_desk.eventually(asks_again)
    assert [] == by_desk.quotes()


async def test_doctor_looks_at_it(by_desk: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = _configured(by_desk.settings, "toydesk")

    assert await doctor._system(found, by_desk.settings)
    assert "ok  Toy Desk, account: is bot" in capsys.readouterr().out


async def test_wrong_section_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with world(tmp_path, TOYCHAT, {"url": "http://127.0.0.1:9", "tokn_env": "X"}):
            pass

    assert "connectors.toychat.tokn_env" in str(caught.value)


def _configured(settings: Settings, name: str) -> Any:
    return next(each for each in settings.systems if each.name == name)
