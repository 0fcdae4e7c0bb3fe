"""One request in Slack, Asana and Teams at once: the first decision counts, everywhere; and systems
that hang slow nobody else, which is shown by the order of things, not by the clock."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from countersign.connectors.slack import client
from countersign.sandbox.botframework.cards import CardError
from countersign.sandbox.desk import NotDoneError
from countersign.sandbox.slack.server import Slack
from countersign.sandbox.slack.workspace import SlackError
from countersign.sandbox.standins import ask_in, use_slack
from tests.connectors.webhook.hook_world import SECRET
from tests.scenarios.races import unpace
from tests.scenarios.ticket_world import TOOL, TicketWorld, ticket_world

pytestmark = pytest.mark.asyncio
RACES, AT_ONCE, MANY = 100, 10, 4
LEAD_S = 0.6
"""The most that somebody comes later: a webhook and reading the task take their time."""
HANGS_S = 60.0
"""What each call takes to a system that hangs: longer than any test here."""
CHANNELS = ("teams", "slack", "asana")
ALEX = "U0ALEX"


@asynccontextmanager
async def in_three(folder: Path, hook: str = "") -> AsyncIterator[tuple[TicketWorld, Slack]]:
    """The whole application, with every guarded call shown in each; and told to a program."""
    async with Slack.start() as slack:

        def adjust(document: dict[str, Any]) -> None:
            use_slack(document, slack.ready())
            generous = {"per_s": 100_000, "burst": 100_000}
            document["limits"] = {"person": generous, "strangers": generous, "grace": "0.1s"}
            more = []
            if hook:
                endpoint = {"name": "ops", "url": hook, "secret": SECRET}
                document["connectors"]["webhook"] = {"endpoints": [endpoint]}
                more.append("webhook")
            ask_in(document, *CHANNELS, *more)

        async with ticket_world(folder, "asana", also=adjust) as app, app.server():
            slack.hook_url = f"{app.url}/webhooks/slack"
            await app.teams.send_message("Alex Wilber", "help")
            await app.says("what waits for your decision")
            yield app, slack


async def shown(app: TicketWorld, slack: Slack, request: dict[str, Any]) -> None:
    """Return as soon as it can be decided in all of them."""
    await app.card(request["id"])
    await app.ticketed(request["id"])

    async def look() -> bool | None:
        return bool(slack.asking(request["id"])) or None

    await app.eventually(look)


async def race(app: TicketWorld, slack: Slack, request: dict[str, Any]) -> None:
    """Decide it in all three at once, each somewhat later than another by chance."""
    card, message = await app.card(request["id"]), slack.asking(request["id"])[0]

    async def in_teams() -> None:
        await asyncio.sleep(random.uniform(0, LEAD_S))
        with suppress(CardError):  # the card shows the decision already
            verdict = random.choice(("approve", "reject"))
            words = {"comment": "Too much."} if verdict == "reject" else {}
            await app.teams.click(card, verdict, words, person="Alex Wilber")

    async def in_slack() -> None:
        await asyncio.sleep(random.uniform(0, LEAD_S))
        with suppress(SlackError):  # the message has no buttons any more
            await slack.click(message, ALEX, "approve")

    async def in_asana() -> None:
        with suppress(NotDoneError):  # closed already
            app.desk.answer(str(app.key(request)), random.choice(("approve", "reject")))

    await asyncio.gather(in_teams(), in_slack(), in_asana())


@pytest.mark.timeout(600)
async def test_one_decision_of_three_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpace(monkeypatch)
    monkeypatch.setattr(client, "POSTS", ())
    won: Counter[str] = Counter()
    approved = 0
    async with in_three(tmp_path) as (app, slack):
        for _ in range(RACES // AT_ONCE):
            asked = await asyncio.gather(*(app.asked() for _ in range(AT_ONCE)))
            await asyncio.gather(*(shown(app, slack, request) for request in asked))
            await asyncio.gather(*(race(app, slack, request) for request in asked))
            for request in asked:
                after = await app.until(request["id"], _is_told_everywhere)
                (vote,) = after["votes"]
                kinds = await app.kinds(after)

                assert (1, 1) == (kinds.count("voted"), kinds.count("decided"))
                assert "alex" == vote["by"]
                assert ("executed" if vote["verdict"] == "approve" else "rejected") == after[
                    "status"
                ]
                assert not any("approve" in m.buttons() for m in slack.asking(request["id"]))
                assert not app.desk.ticket(str(app.key(after))).asks
                won[vote["via"]] += 1
                approved += vote["verdict"] == "approve"

        assert approved == len(app.quotes())
        assert [] == slack.complaints
    print(f"three channels: {RACES} races, won by {dict(won)}")  # noqa: T201
    assert set(CHANNELS) == set(won)


def _is_told_everywhere(request: dict[str, Any]) -> bool:
    return {"closed"} == {d["status"] for d in request["deliveries"]} != set()


async def test_systems_that_hang_slow_nobody_else(tmp_path: Path) -> None:
    """Slack, Asana and a program answer nothing: people decide on cards and through the API, tools
    run, and what is asked meanwhile is shown in Teams; then they are told, too."""
    going = asyncio.Event()
    going.set()
    heard: list[str] = []

    async def hangs(request: web.Request) -> web.Response:
        await going.wait()
        heard.append((await request.json())["type"])
        return web.Response()

    receiver = web.Application()
    receiver.router.add_post("/hook", hangs)
    async with TestServer(receiver) as server:
        async with in_three(tmp_path, str(server.make_url("/hook"))) as (app, slack):
            before = await asyncio.gather(*(app.asked() for _ in range(MANY)))
            await asyncio.gather(*(shown(app, slack, request) for request in before))
            slack.faults.latency_s = app.system.faults.latency_s = HANGS_S
            going.clear()
            told = len(heard)
            session = await app.start("sales_quote", "quote for Contoso, 25 seats")
            meanwhile = await app.pending(session, tool=TOOL)
            card = await app.card(meanwhile["id"])
            await app.teams.click(card, "approve", person="Alex Wilber")
            await asyncio.gather(*(app.vote(request, "approve") for request in before))
            for request in (*before, meanwhile):
                await app.over(request["session_id"])
                done = await app.request(request["id"])

                # None of those that hang has answered yet: no message and no task knows.
                assert "executed" == done["status"]
                assert told == len(heard)
                slow = {d["status"] for d in done["deliveries"] if d["channel"] != "teams"}
                assert "closed" not in slow
            await app.says("Approved and done", meanwhile["id"])
            assert MANY + 1 == len(app.quotes())

            slack.faults.latency_s = app.system.faults.latency_s = 0.0
            going.set()
            await app.until(before[0]["id"], _is_told_everywhere)
            assert told < len(heard)
