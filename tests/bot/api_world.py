"""The REST API on the real service and store; only the group chats are played by the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from countersign.agents.classic.facts import WorkflowInfo
from countersign.approvals.approvals import Approvals
from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.compose import compose
from countersign.approvals.decisions.canaries import Canaries
from countersign.approvals.directory.given import WithDelegations
from countersign.approvals.errors import InvalidError
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import (
    ConversationKey,
    JsonObject,
    Principal,
    Proposal,
    Request,
    Session,
    SessionId,
    ToolCall,
    UndoOffer,
)
from countersign.approvals.ports import Store
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.rules.policies import LivePolicy
from countersign.approvals.rules.policy import Policy
from countersign.approvals.runs import Runs
from countersign.approvals.tickets import WebhookHint
from countersign.bot.api.operation import Services
from countersign.bot.http.lanes import Limits
from countersign.bot.http.settings import LimitsSettings
from countersign.bot.inbox.app import Around, inbox_of, pages_of
from countersign.bot.inbox.mail import MailPages
from countersign.bot.people import SettingsDirectory, Tokens
from countersign.bot.policy.explained import Rules
from countersign.bot.reading.page import ReadingPage
from countersign.bot.server.app import Parts, create_app
from countersign.bot.server.webhooks import Webhooks
from countersign.bot.settings.inbox import InboxSettings
from countersign.bot.settings.sections import PersonSettings
from countersign.connectors.system import Route
from tests.doubles.catalog import FakeCatalog
from tests.doubles.chats import chat_of
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store
from tests.doubles.links import KEY
from tests.doubles.tickets import FakeTickets

PRIVATE = PrivateRule(id="mail", tools=("send",), arguments=("*",), results=True)
SAMPLE_KEY = b"k" * 32
SEALING_KEY = SigningKey("gate.example/ledger", bytes(32))
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PEOPLE = [
    PersonSettings(id="alex", name="Alex Wilber", roles=frozenset({"manager"})),
    PersonSettings(id="megan", name="Megan Bowen", roles=frozenset({"manager", "boss"})),
    PersonSettings(id="sam", name="Sam Carter", roles=frozenset({"manager"})),
    PersonSettings(id="adele", name="Adele Vance"),
]
POLICY: JsonObject = {
    "administrators": {"roles": ["boss"]},
    "tools": {
        "look": "allow",
        "send": {
            "effect": "require_approval",
            "roles": ["manager"],
            "deadline": "4h",
            "grants": {"max_uses": 20, "max_total": 500, "value": "amount", "same": ["to"]},
        },
    },
    "reversibility": {"send": "reversible"},
}
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"to": {"type": "string"}, "amount": {"type": "number", "maximum": 1000}},
    "required": ["to"],
    "additionalProperties": False,
}


class Chats:
    """Starts sessions; the test then proposes in the agents' place."""

    workflows = ("echo", "quote")

    def __init__(self, runs: Runs):
        self.runs = runs

    def known(self) -> list[WorkflowInfo]:
        common: dict[str, Any] = {"version": "1", "triggers": (), "agents": ("worker",)}
        return [
            WorkflowInfo(name=name, title=name.title(), example="", tools=("send",), **common)
            for name in self.workflows
        ]

    async def start(
        self,
        workflow: str,
        task: str,
        owner: Principal,
        *,
        conversation: ConversationKey | None = None,
        idempotency_key: str | None = None,
    ) -> Session:
        if workflow not in self.workflows:
            raise InvalidError(f"Unknown workflow {workflow}; known: {', '.join(self.workflows)}.")
        return await self.runs.start(
            workflow=workflow,
            workflow_version="1",
            task=task,
            owner=owner.id,
            conversation=conversation,
            idempotency_key=idempotency_key,
        )

    async def propose(self, session_id: str, arguments: JsonObject) -> Request:
        """The agents of the session want to send something."""
        run = await self.runs.begin(SessionId(session_id))
        assert run is not None
        call = ToolCall(
            session_id=SessionId(session_id),
            call_id="call-1",
            tool="send",
            arguments=arguments,
            agent="worker",
            executor="gatekeeper",
            rationale="The customer asked for it.",
        )
        state = chat_of({"name": "worker", "role": "user", "content": "Shall I?"})
        (request,) = await self.runs.submit(run, [Proposal(call=call)], state=state)
        return request


class World:
    """One running API."""

    store: Store
    canaries: Canaries

    def __init__(
        self,
        client: TestClient[Any, Any],
        approvals: Approvals,
        records: Records,
        chats: Chats,
        clock: ManualClock,
        checks: dict[str, str],
        tickets: FakeTickets,
        hints: list[tuple[str, str]],
        systems: dict[str, str],
        policies: LivePolicy,
    ):
        self.policies = policies
        self.client, self.chats = client, chats
        self.approvals, self.records = approvals, records
        self.clock, self.checks = clock, checks
        self.tickets, self.hints, self.systems = tickets, hints, systems

    async def call(
        self,
        method: str,
        path: str,
        *,
        person: str | None = "alex",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> tuple[int, Any]:
        """Status and JSON body."""
        sent = dict(headers or {})
        if person is not None:
            sent["Authorization"] = f"Bearer token-of-{person}"
        async with self.client.request(method, path, headers=sent, **options) as response:
            return response.status, await response.json(content_type=None)

    async def waiting(self, arguments: JsonObject | None = None) -> dict[str, Any]:
        """A request of Sam's that waits."""
        status, session = await self.call(
            "POST", "/api/v1/sessions", person="sam", json={"workflow": "echo", "task": "send it"}
        )
        assert status == 201
        request = await self.chats.propose(session["id"], arguments or {"to": "ceo", "amount": 10})
        _, body = await self.call("GET", f"/api/v1/requests/{request.id}")
        assert isinstance(body, dict)
        return body

    async def doubted(self) -> dict[str, Any]:
        """A request of Sam's that Alex approved, and of which its tool could not tell."""
        request = await self.waiting()
        await self.vote(request)
        run = await self.chats.runs.begin(request["session_id"])
        assert run is not None
        await self.chats.runs.claim(run, request["id"], request["arguments"])
        await self.chats.runs.unknown(run, request["id"], message="The server hung up.")
        return request

    async def done(self) -> dict[str, Any]:
        """A request of Sam's that Alex approved and that was executed; `look` takes it back."""
        request = await self.waiting()
        await self.vote(request)
        run = await self.chats.runs.begin(request["session_id"])
        assert run is not None
        await self.chats.runs.claim(run, request["id"], request["arguments"])
        offer = UndoOffer(
            tool="look", executor="gatekeeper", arguments={"to": "ceo"}, within_s=3600
        )
        await self.chats.runs.finish(run, request["id"], ok=True, content="sent", undo=offer)
        return request

    async def settle(self, request: Mapping[str, Any], **body: Any) -> tuple[int, Any]:
        """A word on a doubt, as Alex unless `person` says otherwise."""
        person = body.pop("person", "alex")
        sent = {"happened": True, "note": "It is in the outbox.", **body}
        path = f"/api/v1/requests/{request['id']}/resolution"
        return await self.call("POST", path, person=person, json=sent)

    async def vote(self, request: Mapping[str, Any], **body: Any) -> tuple[int, Any]:
        """A vote, as Alex unless `person` says otherwise."""
        person = body.pop("person", "alex")
        sent = {"verdict": "approve", "digest": request["digest"], **body}
        return await self.call(
            "POST", f"/api/v1/requests/{request['id']}/votes", person=person, json=sent
        )


@asynccontextmanager
async def running(
    tmp_path: Path,
    *,
    local: bool = False,
    limits: Limits | None = None,
    door: LimitsSettings | None = None,
    database: str = "sqlite",
    picker: bool = True,
    sealed_elsewhere: bool = False,
    archive_dir: Path | None = None,
    awaken: Callable[[], None] | None = None,
) -> AsyncIterator[World]:
    """The API and the inbox on a fresh database; with `picker` people choose there who they are.
    `sealed_elsewhere` leaves signing the ledger to a sealer.
    `door` limits those who have not said yet who they are."""
    clock = ManualClock(NOON)
    policies = LivePolicy(Policy.load(POLICY))
    async with empty_store(tmp_path, database) as store:
        jobs, directory = (
            EmbeddedJobs(store, clock),
            WithDelegations(SettingsDirectory(PEOPLE), store),
        )
        catalog = FakeCatalog(every=SCHEMA)
        domain = compose(
            store,
            clock,
            jobs,
            policies,
            directory,
            catalog,
            private=(PRIVATE,),
            archive_dir=archive_dir,
            sample_key=SAMPLE_KEY,
        )
        approvals, records = domain.approvals, domain.records
        chats = Chats(domain.runs)
        tokens = Tokens({p.id: SecretStr(f"token-of-{p.id}") for p in PEOPLE})
        checks = {"store": "ok"}

        async def check() -> dict[str, str]:
            return checks

        async def messages(_: web.Request) -> web.StreamResponse:
            return web.Response(status=401)

        limits = limits or Limits(LimitsSettings())
        services = Services(
            approvals=approvals,
            records=records,
            sessions=chats,
            directory=directory,
            tokens=tokens,
            trail=AuditTrail(
                store,
                records,
                Sealing(store, clock, None if sealed_elsewhere else SEALING_KEY),
                signer=SEALING_KEY.verifier if sealed_elsewhere else None,
                erasing=domain.erasing,
                holding=domain.holding,
                archiving=domain.archiving,
            ),
            limits=limits,
        )
        links = ReadLinks(KEY, "https://gate.example", clock)
        tickets, hints, systems = FakeTickets(clock), list[tuple[str, str]](), {"jira": "ok"}

        async def hint(name: str, given: WebhookHint) -> bool:
            hints.append((name, given.ticket_id))
            return given.ticket_id.startswith("1")

        async def around() -> dict[str, str]:
            return systems

        public = "https://gate.example" if not picker else "http://127.0.0.1"
        pages = pages_of(services, store, clock, InboxSettings(), public_url=public)
        seen = Around(lambda: Rules(policies.current, directory, None), check, around)
        parts = Parts(
            awaken=awaken,
            services=services,
            inbox=inbox_of(pages, services, local=picker, around=seen),
            routes=(
                Route("POST", "/api/messages", messages),
                *MailPages(pages, services, store).routes(),
            ),
            webhooks=Webhooks({"jira": tickets}, hint, limits).receive,
            checks=check,
            systems=around,
            reading=ReadingPage(links, approvals, records, directory, limits),
            local=local,
            limits=door or LimitsSettings(),
        )
        async with TestClient(TestServer(create_app(parts))) as client:
            around_it = (clock, checks, tickets, hints, systems, policies)
            world = World(client, approvals, records, chats, *around_it)
            world.store, world.canaries = store, domain.canaries
            yield world
