"""The stories told once in a nursery, before it forks a server: nobody dies, all in one process.

What a process works out when it does a thing for the first time (statements, cards, pages, the
clients of systems) takes more of its CPU than the thing, and hundreds of servers die young. None of
it is a session, a connection or a thread: the nursery looks that none is left.
"""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack
from typing import Any

from countersign.bot.serving import serving
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import Mode, ProcessSettings
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.desk import Desk
from countersign.sandbox.jira.desk import JiraDesk
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.mailbox.desk import MailDesk
from countersign.sandbox.servicenow.desk import ServiceNowDesk
from countersign.sandbox.servicenow.server import ServiceNow
from countersign.sandbox.standins import ask_in, back_office, use
from tests.crash.crowd import only_the_quote
from tests.crash.desks import SETTINGS
from tests.crash.stories import ALEX, TOOL
from tests.processes import ROOT
from tests.scenarios.world import World
from tests.stack import TASK

TIMEOUT_S = 120.0
"""Nothing depends on how long it takes."""


async def tell_once(database_url: str) -> None:
    """Each story to its end, on this database; every request is shown wherever one can be."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        office, teams = await enter(back_office()), await enter(BotFramework.start())
        jira, servicenow = await enter(Jira.start()), await enter(ServiceNow.start())
        systems = {"jira": jira.ready(), "servicenow": servicenow.ready()}
        port = _port()
        ready = {**office.ready(), **systems, "email": office.mailbox.ready()}

        def adjust(document: dict[str, Any]) -> None:
            only_the_quote(document)
            document["public_url"] = f"http://127.0.0.1:{port}"
            use(document, ready)
            for name in systems:
                document["connectors"][name] |= SETTINGS[name]
            ask_in(document, "teams", *systems, "email")

        settings = load_settings(
            ROOT / "countersign.yaml",
            process=ProcessSettings(env=Mode.LOCAL, database_url=database_url),
            environ={},
            adjust=adjust,
        )
        world = World(settings, teams, office)
        world.timeout_s = TIMEOUT_S
        async with serving(settings, host="127.0.0.1", port=port) as world.url:
            teams.bot_url = f"{world.url}/api/messages"
            jira.notify(f"{world.url}/webhooks/jira")
            servicenow.notify(f"{world.url}/webhooks/servicenow")
            await _in_teams(world)
            await _in_ticket(world, JiraDesk(jira))
            await _in_ticket(world, ServiceNowDesk(servicenow))
            await _by_mail(world, str(office.mailbox.ready()["url"]))
            await _paused(world)


def _port() -> int:
    """One that is free: links lead to it, so it is known beforehand."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _in_teams(world: World) -> None:
    await world.teams.send_message("Alex Wilber", TASK)

    async def started() -> Any:
        _, page = await world.call("GET", "/api/v1/sessions", person="alex")
        return page["items"][0]["id"] if page["items"] else None

    session = str(await world.eventually(started))
    request = await world.pending(session, tool=TOOL)
    await world.click(request["id"], "approve")
    await _told(world, session, request)


async def _in_ticket(world: World, desk: Desk) -> None:
    session = await world.start("sales_quote", TASK)
    request = await world.pending(session, tool=TOOL)

    async def number() -> Any:
        found = (await world.request(request["id"]))["deliveries"]
        return next((d["ticket"] for d in found if d["channel"] == desk.name and d["ticket"]), None)

    desk.answer(str(await world.eventually(number)), "approve")
    await _told(world, session, request)


async def _by_mail(world: World, mailbox_url: str) -> None:
    session = await world.start("sales_quote", TASK)
    request = await world.pending(session, tool=TOOL)
    async with MailDesk(mailbox_url, ALEX) as desk:

        async def link() -> Any:
            mails = [m for m in await desk.mails(latest=10) if request["id"] in m.text]
            return next((mail.links[0] for mail in mails if mail.links), None)

        found = str(await world.eventually(link))
        await desk.sign_in(world.url, "alex")
        await desk.vote(await desk.open(found), "approve")
    await _told(world, session, request)


async def _paused(world: World) -> None:
    session = await world.start("sales_quote", TASK)
    request = await world.pending(session, tool=TOOL)
    pause = {"tool": TOOL, "reason": "told once"}
    _, made = await world.call("POST", "/api/v1/pauses", person="alex", json=pause)
    await world.vote(request, "approve")
    await world.call("DELETE", f"/api/v1/pauses/{made['id']}", person="alex")
    await _told(world, session, request)


async def _told(world: World, session: str, request: dict[str, Any]) -> None:
    """Return as soon as it has run, and everybody knows."""
    await world.over(session)

    async def closed() -> bool | None:
        found = (await world.request(request["id"]))["deliveries"]
        return all(delivery["status"] == "closed" for delivery in found) or None

    await world.eventually(closed)
    assert "executed" == (await world.request(request["id"]))["status"]
    await world.ledger(session)
