"""The whole application with stand-ins around it; the server can be stopped and started again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from countersign.bot.serving import serving
from countersign.bot.settings.file import Adjust, load_settings
from countersign.bot.settings.sections import Mode, ProcessSettings, Settings
from countersign.bot.systems import SYSTEMS
from countersign.connectors.system import System
from countersign.sandbox.botframework.answers import Answer
from countersign.sandbox.botframework.cards import actions, verbs
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.botframework.world import Message
from countersign.sandbox.openai.rules import Rule
from countersign.sandbox.standins import BackOffice, Ready, ask_in, back_office, use
from tests.doubles.database import sqlite_url

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_S = 30.0
LOOK_EVERY_S, LOOK_EVERY_MAX_S = 0.02, 0.2
PATIENCE = 0.15
"""How much of what was waited so far is waited on before it is looked again."""
OVER = ("completed", "failed", "cancelled")
EVERY_WORKFLOW = ("sales_quote", "crm_update", "it_change")
"""Of the local configuration."""


def database_url(folder: Path) -> str:
    """Of the server's database; the fixture `both_databases` replaces it."""
    return sqlite_url(folder, "app.db")


class World:
    """Stand-ins that stay, and at most one server on one database."""

    timeout_s = TIMEOUT_S
    """How long it is looked for what is to come."""

    def __init__(self, settings: Settings, teams: BotFramework, office: BackOffice):
        self.settings, self.teams, self.office = settings, teams, office
        self.crm, self.mailbox = office.crm, office.mailbox
        self.url = ""

    @asynccontextmanager
    async def server(self, *, on_hangup: bool = False) -> AsyncIterator[None]:
        """The application, served inside the block."""
        async with serving(
            self.settings, host="127.0.0.1", port=0, on_hangup=on_hangup
        ) as self.url:
            self.teams.bot_url = f"{self.url}/api/messages"
            yield

    async def call(
        self, method: str, path: str, *, person: str = "sam", json: Any = None
    ) -> tuple[int, Any]:
        """The REST API, as somebody."""
        headers = {"Authorization": f"Bearer local-token-{person}"}
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, self.url + path, json=json, headers=headers) as response,
        ):
            return response.status, await response.json(content_type=None)

    async def start(self, workflow: str, task: str) -> str:
        """A session of Sam's, through the API."""
        status, body = await self.call(
            "POST", "/api/v1/sessions", json={"workflow": workflow, "task": task}
        )
        assert status == 201, body
        return str(body["id"])

    async def vote(
        self, request: dict[str, Any], verdict: str, *, person: str = "alex", **more: Any
    ) -> tuple[int, Any]:
        """A vote through the API."""
        body = {"verdict": verdict, "digest": request["digest"], **more}
        return await self.call(
            "POST", f"/api/v1/requests/{request['id']}/votes", person=person, json=body
        )

    async def request(self, request_id: str) -> Any:
        """One request."""
        return (await self.call("GET", f"/api/v1/requests/{request_id}"))[1]

    async def session(self, session_id: str) -> Any:
        """One session."""
        return (await self.call("GET", f"/api/v1/sessions/{session_id}"))[1]

    async def pending(self, session_id: str, *, tool: str | None = None) -> dict[str, Any]:
        """The request that the session waits for, as soon as there is one."""

        async def look() -> dict[str, Any] | None:
            query = f"/api/v1/requests?session={session_id}&status=pending"
            _, page = await self.call("GET", query)
            found = [r for r in page["items"] if tool in (None, r["tool"])]
            return found[0] if found else None

        found = await self.eventually(look)
        assert isinstance(found, dict)
        return found

    async def over(self, session_id: str) -> Any:
        """The session, as soon as it is over."""

        async def look() -> Any:
            session = await self.session(session_id)
            return session if session["status"] in OVER else None

        return await self.eventually(look)

    async def eventually(self, look: Callable[[], Any]) -> Any:
        """The first answer of `look` that is not None; looks again and again, within limits.

        More seldom the longer it takes: each look takes time from the server that is waited for.
        """
        began = time.monotonic()
        async with asyncio.timeout(self.timeout_s):
            while True:
                found = await look()
                if found is not None:
                    return found
                waited_s = time.monotonic() - began
                await asyncio.sleep(min(max(LOOK_EVERY_S, waited_s * PATIENCE), LOOK_EVERY_MAX_S))

    async def ledger(self, session_id: str) -> Any:
        """The ledger of a session; it must verify."""
        _, body = await self.call("GET", f"/api/v1/ledger?session={session_id}")
        assert body["verified"], body["problems"]
        return body["items"]

    def quotes(self) -> list[dict[str, Any]]:
        """The arguments of every quote that the CRM really released."""
        return [e["arguments"] for e in self.crm.effects() if e["action"] == "create_quote"]

    async def card(self, request_id: str) -> Message:
        """The message whose card has buttons for the request, as soon as it is posted."""
        return await self.teams.wait_for(
            lambda m: m.from_bot and shows(m, request_id), timeout_s=self.timeout_s
        )

    async def says(self, *words: str) -> Message:
        """The bot's message with all these words, as soon as it is there."""
        return await self.teams.wait_for(
            lambda m: m.from_bot and all(word in str(m.activity) for word in words),
            timeout_s=self.timeout_s,
        )

    async def opened(self, request_id: str, person: str = "Alex Wilber") -> Message:
        """The message with its card; if that is of several calls, this one is open on it."""
        message = await self.card(request_id)
        if "open" in verbs(message.card(self.teams.world.person(person)) or {}):
            data = {"request": request_id}
            await self.teams.click(message, "open", {}, person=person, data=data)
        return message

    async def click(
        self, request_id: str, verb: str, person: str = "Alex Wilber", **inputs: Any
    ) -> Answer:
        """A click on the card of the request; of several calls, in its own view."""
        message = await self.opened(request_id, person)
        return await self.teams.click(message, verb, inputs, person=person)


def shows(message: Message, request_id: str) -> bool:
    """Whether the message has a card with a button for this request."""
    card = message.card()
    return card is not None and any(
        isinstance(a.get("data"), dict) and a["data"].get("request") == request_id
        for a in actions(card)
    )


def configured(
    folder: Path,
    ready: Ready,
    adjust: Adjust,
    *,
    environ: Mapping[str, str] | None = None,
    systems: Sequence[System[Any]] = SYSTEMS,
    config: Path = REPOSITORY / "countersign.yaml",
    workflows: Collection[str] = ("sales_quote",),
) -> Settings:
    """The local configuration with these stand-ins, changed by `adjust`, on its own database.

    Of its workflows only those that the test is about: to build one is most of a server's start.
    """

    def adjusted(document: dict[str, Any]) -> None:
        use(document, ready)
        modules = document["workflows"]["modules"]
        document["workflows"]["modules"] = [
            module for module in modules if module.rpartition(".")[2] in workflows
        ]
        adjust(document)

    process = ProcessSettings(env=Mode.LOCAL, database_url=database_url(folder))
    return load_settings(
        config,
        process=process,
        environ=environ or {},
        adjust=adjusted,
        systems=systems,
    )


@asynccontextmanager
async def world(
    folder: Path, adjust: Adjust = ask_in, *, script: Sequence[Rule] = (), **options: Any
) -> AsyncIterator[World]:
    """The stand-ins; start the server with `world.server()`.

    People are asked in Teams and nowhere else, unless `adjust` says it. `script` is what the model
    says instead; `options` are those of `configured`.
    """
    async with back_office() as office, BotFramework.start() as teams:
        office.model.rules = list(script) or office.model.rules
        yield World(configured(folder, office.ready(), adjust, **options), teams, office)
