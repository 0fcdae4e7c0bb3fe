"""The whole application with Teams and a ticket system beside it, and people at work in both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import text

from countersign.approvals.store import engine_of
from countersign.bot.settings.file import Adjust
from countersign.sandbox.asana.desk import AsanaDesk
from countersign.sandbox.asana.server import Asana
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.desk import Desk
from countersign.sandbox.jira.desk import JiraDesk
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.openai.rules import Rule
from countersign.sandbox.servicenow.desk import ServiceNowDesk
from countersign.sandbox.servicenow.server import ServiceNow
from countersign.sandbox.standins import ask_in, back_office
from tests.scenarios.traffic import TicketSystem, polls, reads
from tests.scenarios.world import World, configured

TASK = "quote for Contoso, 25 seats"
TOOL = "release_quote"


class TicketWorld(World):
    """`World` with every guarded call shown in Teams and in the ticket system `desk`."""

    desk: Desk
    system: TicketSystem
    folder: Path

    @asynccontextmanager
    async def server(self, *, on_hangup: bool = False) -> AsyncIterator[None]:
        """The application, with webhooks of the ticket system on their way to it."""
        async with super().server(on_hangup=on_hangup):
            self.system.notify(f"{self.url}/webhooks/{self.desk.name}")
            yield

    async def asked(self) -> dict[str, Any]:
        """A new request that waits, with its ticket open."""
        session_id = await self.start("sales_quote", TASK)
        request = await self.pending(session_id, tool=TOOL)
        return await self.ticketed(request["id"])

    async def ticketed(self, request_id: str, *, but: str | None = None) -> dict[str, Any]:
        """The request, as soon as it has a ticket (another one than `but`) on record."""
        return await self.until(request_id, lambda r: self.key(r) not in (None, but))

    async def until(self, request_id: str, true: Any) -> dict[str, Any]:
        """The request, as soon as `true` holds of it."""

        async def look() -> Any:
            request = await self.request(request_id)
            return request if true(request) else None

        found = await self.eventually(look)
        assert isinstance(found, dict)
        return found

    def shown(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The newest delivery that is a ticket."""
        mine = [d for d in request["deliveries"] if d["channel"] == self.desk.name]
        return dict(mine[-1]) if mine else {"ticket": None, "error": None, "status": None}

    def key(self, request: Mapping[str, Any]) -> str | None:
        """The ticket as people call it."""
        found: str | None = self.shown(request)["ticket"]
        return found

    async def refused(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request, as soon as an operator can read at its delivery what was refused."""
        return await self.until(request["id"], lambda r: self.shown(r)["error"])

    async def decided(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request, as soon as it waits no more."""
        return await self.until(request["id"], lambda r: r["status"] != "pending")

    def said(self, key: str) -> str:
        """All comments of a ticket, without the marks that keep text from being markup."""
        return self.desk.ticket(key).said.replace("\\", "")

    async def closed(self, request: Mapping[str, Any]) -> str:
        """What the ticket says, as soon as it needs no answer any more."""
        after = await self.until(request["id"], lambda r: self.shown(r)["status"] == "closed")
        return self.said(str(self.key(after)))

    async def asks_again(self, key: str, words: str) -> str:
        """The comments, as soon as one has these words and the ticket can be answered."""

        async def look() -> str | None:
            said = self.said(key)
            return said if words in said and self.desk.ticket(key).asks else None

        return str(await self.eventually(look))

    async def restored(self, key: str, text: str) -> None:
        """Return as soon as the ticket's text is this one."""

        async def look() -> bool | None:
            return self.desk.ticket(key).text == text or None

        await self.eventually(look)

    async def says_in(self, key: str, words: str) -> str:
        """The comments, as soon as one has these words."""

        async def look() -> str | None:
            said = self.said(key)
            return said if words in said else None

        return str(await self.eventually(look))

    async def kinds(self, request: Mapping[str, Any]) -> list[str]:
        """What the ledger says of this request, kind by kind."""
        entries = await self.ledger(request["session_id"])
        return [e["kind"] for e in entries if e["body"].get("request") == request["id"]]

    async def reasons(self, request: Mapping[str, Any]) -> list[str]:
        """Why votes were refused, from the ledger."""
        entries = await self.ledger(request["session_id"])
        return [e["body"]["reason"] for e in entries if e["kind"] == "vote_refused"]

    async def on_ledger(self, request: Mapping[str, Any], kind: str) -> None:
        """Return as soon as the ledger has such an entry."""

        async def look() -> bool | None:
            return kind in await self.kinds(request) or None

        await self.eventually(look)

    async def seen(self, more: int = 2) -> None:
        """Return as soon as a poll has begun and ended after this call."""
        enough = polls(self.system) + more if more > 1 else more

        async def look() -> bool | None:
            return polls(self.system) >= enough or None

        await self.eventually(look)

    async def quiet(self) -> None:
        """Return as soon as no webhook is on its way, and nothing that one has set off."""
        await self.system.settled()
        await self.read_since(reads(self.system) - 1)

    async def read_since(self, before: int) -> None:
        """Return as soon as tickets were read after `before` reads, and none is being read."""

        async def look() -> bool | None:
            return (reads(self.system) > before and not self.looking()) or None

        await self.eventually(look)

    async def half_read(self, before: int) -> None:
        """Return as soon as a ticket's own row was read after `before` reads."""

        async def look() -> bool | None:
            return reads(self.system) > before or None

        await self.eventually(look)

    def looking(self) -> bool:
        """Whether a ticket is to be read, or is being read, because of a webhook."""
        query = text("SELECT count(*) FROM deliveries WHERE look_at IS NOT NULL")
        engine = engine_of(self.settings.database_url)
        try:
            with engine.connect() as database:
                return bool(database.execute(query).scalar_one())
        finally:
            engine.dispose()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """What `/readyz` says."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/readyz") as answer:
            return answer.status, await answer.json()

    async def unreachable(self) -> None:
        """Return as soon as `/readyz` tells it, which stays 200, and a second poll has failed."""

        async def look() -> bool | None:
            status, body = await self.ready()
            assert status == 200
            return "unreachable: 2 polls failed" in body["systems"][self.desk.name] or None

        await self.eventually(look)

    async def reachable(self) -> None:
        """Return as soon as `/readyz` finds nothing wrong with the system."""

        async def look() -> bool | None:
            return (await self.ready())[1]["systems"][self.desk.name] == "ok" or None

        await self.eventually(look)

    async def voted(self, request: Mapping[str, Any]) -> tuple[int, int]:
        """How many votes count, and how many the ledger has."""
        votes = (await self.request(request["id"]))["votes"]
        return len(votes), (await self.kinds(request)).count("voted")

    async def hook(self, headers: Mapping[str, str], body: bytes) -> int:
        """Post a webhook; the status it was answered with."""
        url = f"{self.url}/webhooks/{self.desk.name}"
        async with (
            aiohttp.ClientSession() as http,
            http.post(url, data=body, headers=dict(headers)) as answer,
        ):
            return answer.status


@asynccontextmanager
async def ticket_world(
    folder: Path,
    system: str,
    *,
    connector: Mapping[str, Any] | None = None,
    rule: Mapping[str, Any] | None = None,
    also: Adjust | None = None,
    script: Sequence[Rule] = (),
    made: type[TicketWorld] = TicketWorld,
    **options: Any,
) -> AsyncIterator[TicketWorld]:
    """The stand-ins; start the server with `world.server()`.

    `connector` and `rule` differ from the local configuration: of the system, of the guarded tool.
    `also` changes the rest of it, `script` is what the model says instead, `made` the class of the
    world; `options` are those of `configured`.
    """
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        office = await enter(back_office())
        office.model.rules = list(script) or office.model.rules
        teams = await enter(BotFramework.start())
        running: TicketSystem
        desk: Desk
        if system == "jira":
            running = await enter(Jira.start())
            desk = JiraDesk(running)
        elif system == "asana":
            running = await enter(Asana.start())
            desk = AsanaDesk(running)
        else:
            running = await enter(ServiceNow.start())
            desk = ServiceNowDesk(running)

        def adjust(document: dict[str, Any]) -> None:
            document["connectors"][system] |= {"poll_every": "1s", **(connector or {})}
            ask_in(document, "teams", system)
            guarded = document["policy"]["tools"][TOOL]
            if rule is not None:
                guarded.pop("roles", None)
                guarded |= rule
            if also is not None:
                also(document)

        ready = {**office.ready(), system: running.ready()}
        settings = configured(folder, ready, adjust, **options)
        found = made(settings, teams, office)
        found.desk, found.system, found.folder = desk, running, folder
        yield found
