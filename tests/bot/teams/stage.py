"""The Teams side on the real domain and SQLite, with people who write and click.

The agents are played by the test: `propose` submits their calls, `run` executes what was approved.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from botframework.connector.auth.microsoft_app_credentials import MicrosoftAppCredentials
from pydantic import SecretStr

from countersign.approvals.approvals import Approvals
from countersign.approvals.compose import compose
from countersign.approvals.decisions.answering import Answering
from countersign.approvals.decisions.outbox import (
    OUTCOME_WAIT,
    RUN,
)
from countersign.approvals.delivery.conversations import Conversations
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.models import (
    JsonObject,
    Principal,
    PrincipalId,
    Proposal,
    Request,
    RequestId,
    RequestKind,
    SessionId,
    ToolCall,
)
from countersign.approvals.ports import Channel
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.rules.policies import LivePolicy
from countersign.approvals.rules.policy import Policy
from countersign.approvals.runs import Run, Runs
from countersign.approvals.store import open_store
from countersign.approvals.store.postgres import PostgresStore
from countersign.approvals.store.sqlite import SqliteStore
from countersign.bot.teams.activities import TeamsBot
from countersign.bot.teams.adapter import TeamsAdapter
from countersign.bot.teams.channel import TeamsChannel
from countersign.bot.teams.pacing import paced_for_teams
from countersign.bot.teams.retry import Retry
from countersign.bot.teams.settings import TeamsSettings
from countersign.connectors.pacing import Pacing
from countersign.sandbox.botframework.people import TENANT_ID
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.botframework.world import Message
from tests.doubles.catalog import FakeCatalog
from tests.doubles.chats import NOTHING_SAID
from tests.doubles.clock import ManualClock
from tests.doubles.database import sqlite_url
from tests.doubles.directory import FakeDirectory
from tests.doubles.links import KEY

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
APP_ID = "11111111-2222-3333-4444-555555555555"
SAM, ALEX, ADELE, ISAIAH = "Megan Bowen", "Alex Wilber", "Adele Vance", "Isaiah Langer"
"""In the directory: sam asks, alex and isaiah are sales managers, adele has no role."""
STRANGER = "Lynne Robbins"
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "customer": {"type": "string", "description": "Who gets the quote"},
        "amount": {"type": "number", "maximum": 100000},
        "seats": {"type": "integer", "minimum": 1},
        "currency": {"type": "string", "enum": ["EUR", "USD"]},
        "urgent": {"type": "boolean"},
    },
    "required": ["customer", "amount"],
    "additionalProperties": False,
}
ARGUMENTS: JsonObject = {
    "customer": "Contoso",
    "amount": 24000,
    "seats": 25,
    "currency": "EUR",
    "urgent": False,
}
POLICY: JsonObject = {
    "tools": {
        "look_up": "allow",
        "push_quote": {
            "effect": "require_approval",
            "roles": ["sales_manager"],
            "risk": "high",
            "deadline": "4h",
            "reason": "Quotes above 10,000 bind us.",
        },
        "give_discount": {
            "effect": "require_approval",
            "roles": ["sales_manager"],
            "grants": {"max_uses": 20, "same": ["customer"]},
        },
        "release_pair": {
            "effect": "require_approval",
            "stages": [{"roles": ["sales_manager"], "quorum": 2}],
        },
    },
    "reversibility": {"give_discount": "reversible"},
}


def person(id: str, name: str, number: int, *roles: str) -> Principal:
    entra = f"00000000-0000-0000-0000-00000000000{20 + number}"
    identities = {"entra": entra}
    return Principal(id=PrincipalId(id), name=name, roles=frozenset(roles), identities=identities)


def everybody() -> FakeDirectory:
    return FakeDirectory(
        [
            person("alex", "Alex Wilber", 0, "sales_manager"),
            person("sam", "Sam Carter", 1, "sales_manager"),
            person("adele", "Adele Vance", 2),
            person("isaiah", "Isaiah Langer", 3, "sales_manager"),
        ]
    )


@dataclass(frozen=True)
class Workflow:
    """As `agents` describes one."""

    name: str
    title: str
    triggers: tuple[str, ...]
    example: str
    version: str = "1"
    tools: tuple[str, ...] = ("push_quote", "look_up")
    agents: tuple[str, ...] = ("seller",)


WORKFLOWS = (
    Workflow("sales_quote", "Sales quote", ("quote",), "quote for Contoso, 25 seats"),
    Workflow("crm_update", "CRM update", ("crm", "stage"), "move Contoso to stage Won"),
)


class SleepLog:
    """Waits that only note down how long they would have been."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


@dataclass
class Stage:
    """Everything, running."""

    settings: TeamsSettings
    approvals: Approvals
    records: Records
    conversations: Conversations
    runs: Runs
    bot: TeamsBot
    channel: TeamsChannel
    adapter: TeamsAdapter
    jobs: EmbeddedJobs
    store: SqliteStore | PostgresStore
    directory: FakeDirectory
    catalog: FakeCatalog
    clock: ManualClock
    teams: BotFramework
    sleeps: SleepLog
    policies: LivePolicy
    answering: Answering

    async def settle(self) -> None:
        """Wait until everything that was rung for has been done and sent."""
        await self.bot.drain()
        self.clock.advance(seconds=OUTCOME_WAIT.total_seconds())  # or the outcome is waited for
        # The doorbell may have rung while this clock stood still: then a sweep finds the row.
        await self.jobs._sweep()
        await self.jobs.until_idle()

    async def start(self, text: str = "quote for Contoso", **where: Any) -> SessionId:
        """Somebody writes to the bot; the session that this starts."""
        self.clock.advance(seconds=1)  # so that the newest session is the last one
        answer = await self.teams.send_message(where.pop("person", SAM), text, **where)
        assert answer.status in {200, 202}, answer
        await self.settle()
        page = await self.records.sessions()
        return page.items[0].id

    async def propose(self, session_id: SessionId, *arguments: JsonObject, **call: Any) -> Run:
        """The agents want to push a quote, or several at once."""
        run = await self.runs.begin(session_id)
        assert run is not None
        proposals = [
            Proposal(
                kind=call.get("kind", RequestKind.TOOL),
                call=ToolCall(
                    session_id=session_id,
                    call_id=call.get("call_id", f"call-{index}"),
                    tool=call.get("tool", "push_quote"),
                    arguments=each,
                    agent=call.get("agent", "sales_agent"),
                    executor="gatekeeper",
                    rationale=call.get("rationale", "The customer asked for 25 seats."),
                ),
            )
            for index, each in enumerate(arguments or (ARGUMENTS,))
        ]
        await self.runs.submit(run, proposals, state=NOTHING_SAID)
        await self.settle()
        return run

    async def pending(self, **call: Any) -> Request:
        """A request that waits, from a session that Sam began in the group chat."""
        arguments = call.pop("arguments", ARGUMENTS)
        where = call.pop("conversation", "group")
        session_id = await self.start(conversation=where)
        await self.propose(session_id, arguments, **call)
        page = await self.records.requests(session_id=session_id)
        return page.items[0]

    async def execute(self, session_id: SessionId, *, ok: bool = True, content: str = "") -> None:
        """Run what was approved."""
        run = await self.runs.begin(session_id)
        assert run is not None
        for request in run.batch:
            claimed = await self.runs.claim(run, request.id, request.arguments)
            if isinstance(claimed, Request):
                await self.runs.finish(run, request.id, ok=ok, content=content)
        await self.settle()

    async def status(self, request_id: RequestId) -> str:
        return str((await self.records.request(request_id)).status)

    def cards(self) -> list[Message]:
        """The messages of the bot that are cards, oldest first."""
        return [m for m in self.teams.messages() if m.from_bot and m.card() is not None]

    def texts(self) -> list[str]:
        """The texts of the bot, oldest first."""
        return [m.text for m in self.teams.messages() if m.from_bot and m.text]

    async def stored(self) -> tuple[int, int]:
        """How many sessions and conversations there are."""

        def unit(connection: Any) -> tuple[int, int]:
            count = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM conversations)"
            row = connection.exec_driver_sql(count).one()
            return int(row[0]), int(row[1])

        return await self.store.read(unit)


@asynccontextmanager
async def stage(
    path: Path,
    *,
    signed: bool = True,
    channel_id: str = "msteams",
    directory: FakeDirectory | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    pacing: Pacing | None = None,
    links: ReadLinks | None = None,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """The stage. `signed` is real Teams with tokens; otherwise local clients without an app id.

    Without `pacing` everything goes out as fast as it can.
    """
    clock, people, sleeps = ManualClock(NOON), directory or everybody(), SleepLog()
    catalog = FakeCatalog(every=SCHEMA, input_roles={"gatekeeper": ("sales_manager",)})
    app_id = APP_ID if signed else ""
    async with BotFramework.start(app_id=app_id, channel_id=channel_id) as teams:
        given: dict[str, Any] = {
            "app_id": app_id,
            "app_password": SecretStr("secret" if signed else ""),
            "tenant_id": TENANT_ID,
            "service_url": teams.service_url,
            **({"openid_metadata_url": teams.issuer.metadata_url} if teams.issuer else {}),
            **settings,
        }
        teams_settings = TeamsSettings(**given)
        retry = Retry(sleep=sleeps, jitter=lambda: 0.5)
        async with (
            TeamsAdapter(
                teams_settings,
                local=True,
                host="127.0.0.1",
                retry=retry,
                pacing=pacing or paced_for_teams(()),
                monotonic=monotonic,
            ) as adapter,
            open_store(sqlite_url(path, "stage.db")) as store,
        ):
            policies = LivePolicy(Policy.load(POLICY))
            jobs = EmbeddedJobs(store, clock)
            conversations = Conversations(store, clock, jobs)
            channel = TeamsChannel(
                teams_settings,
                adapter,
                conversations,
                people,
                clock,
                readable=links is not None,
            )
            channels: dict[str, Channel] = {channel.name: channel}
            domain = compose(store, clock, jobs, policies, people, catalog, channels)
            approvals, records, runs = domain.approvals, domain.records, domain.runs
            jobs.handle(RUN, _nothing)
            domain.answer(jobs)
            bot = TeamsBot(
                teams_settings,
                approvals,
                records,
                conversations,
                runs,
                people,
                WORKFLOWS,
                clock,
                adapter=adapter,
                local=True,
                links=links and ReadLinks(KEY, "https://gate.example", clock),
            )
            app = web.Application(client_max_size=2**20)
            app.router.add_post("/api/messages", bot.messages)
            working = asyncio.create_task(jobs.run())
            async with TestServer(app) as server:
                teams.bot_url = str(server.make_url("/api/messages"))
                yield Stage(
                    teams_settings,
                    approvals,
                    records,
                    conversations,
                    runs,
                    bot,
                    channel,
                    adapter,
                    jobs,
                    store,
                    people,
                    catalog,
                    clock,
                    teams,
                    sleeps,
                    policies,
                    domain.answering,
                )
                await bot.drain()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def _nothing(_row: str) -> None:
    """The agents are played by the test."""


def no_tokens_from_microsoft(monkeypatch: Any) -> None:
    """The bot's own access token comes from Microsoft; here it is made up."""
    monkeypatch.setattr(
        MicrosoftAppCredentials, "get_access_token", lambda self, force_refresh=False: "bot-token"
    )
