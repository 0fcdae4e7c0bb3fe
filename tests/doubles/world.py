"""The whole domain on a real store, with fakes around it, and a gate in three lines."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from countersign.approvals.compose import Domain, compose
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.delivery.conversations import Conversations
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.models import (
    ConversationKey,
    Principal,
    Proposal,
    Request,
    RequestId,
    RequestKind,
    Session,
    SessionId,
    ToolCall,
    Verdict,
)
from countersign.approvals.ports import Job, Jobs, Store, Unit
from countersign.approvals.rules.policy import Policy
from countersign.approvals.runs import Run
from countersign.approvals.store import leases as lease_rows
from tests.doubles.catalog import FakeCatalog
from tests.doubles.channel import FakeChannel
from tests.doubles.chats import chat_of
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store, fresh_database, sqlite_store
from tests.doubles.directory import ANNA, BEN, FakeDirectory, acting
from tests.doubles.jobs import RecordingJobs

RULES: Mapping[str, Any] = {
    "tools": {
        "look": "allow",
        "drop": {"effect": "deny", "reason": "Never from an agent."},
        "dream": "shadow",
        "quote": {"effect": "require_approval", "roles": ["manager"], "deadline": "1h"},
        "pay": {
            "effect": "require_approval",
            "stages": [{"roles": ["manager"], "quorum": 2}, {"roles": ["controller"]}],
            "deadline": "2h",
        },
        "wire": {
            "effect": "require_approval",
            "stages": [{"roles": ["manager", "controller"], "quorum": 2}],
        },
    }
}
QUOTE = {"customer": "Contoso", "amount": 100}
THREAD = ConversationKey("thread-1")
T = TypeVar("T")


class World:
    """Countersign without AutoGen and HTTP."""

    def __init__(self, store: Store, jobs: Jobs, clock: ManualClock):
        self.store, self.jobs, self.clock = store, jobs, clock
        self.directory = FakeDirectory()
        self.channel = FakeChannel()
        self.channels = {self.channel.name: self.channel}
        self.catalog = FakeCatalog()
        self._call_ids = itertools.count(1)
        self.use(RULES)

    def take(self) -> list[Job]:
        """What was rung since the last call, and what was to be rung later and is due now."""
        assert isinstance(self.jobs, RecordingJobs)
        return self.jobs.take(self.clock.now())

    def use(self, rules: Mapping[str, Any], *, lease_s: float = 30.0) -> None:
        """Restart everything but the store with another policy."""
        self.rules = rules
        self.policy = Policy.load(rules)
        self.handoff = Handoff(lambda: self.clock.now().timestamp(), lease_s=lease_s)
        self.moments = Moments(self.clock, self.directory, self.catalog, self.handoff)
        self.conversations = Conversations(self.store, self.clock, self.jobs)
        self.domain = self.composed(handoff=self.handoff)
        self.records, self.approvals = self.domain.records, self.domain.approvals
        self.runs, self.courier = self.domain.runs, self.domain.courier
        self.outbox = self.domain.outbox

    def show_in_conversations(self) -> None:
        """Restart with a channel that shows requests where their sessions began."""
        self.channel = FakeChannel(in_conversation=True)
        self.channels = {self.channel.name: self.channel}
        self.use(self.rules)

    def composed(self, *, clock: ManualClock | None = None, **options: Any) -> Domain:
        """The domain again, as another process on the same store composes it, perhaps on another
        machine with a clock of its own."""
        around = (self.policy, self.directory, self.catalog, self.channels)
        return compose(self.store, clock or self.clock, self.jobs, *around, **options)

    def change_rule(self, tool: str, rule: Any) -> None:
        """Restart with one rule replaced; None removes it."""
        tools = {**RULES["tools"], tool: rule}
        known = {name: value for name, value in tools.items() if value is not None}
        self.use({**self.rules, "tools": known})

    async def start(self, conversation: ConversationKey | None = None) -> Session:
        """A session of Anna's."""
        return await self.runs.start(
            workflow="sales",
            workflow_version="1",
            task="Quote for Contoso",
            owner=ANNA.id,
            conversation=conversation,
        )

    async def begin(self, session_id: SessionId) -> Run:
        """Lease a session that must be free."""
        run = await self.runs.begin(session_id)
        assert run is not None, f"session {session_id} cannot be run now"
        return run

    async def require_lease(self, run: Run) -> None:
        """Raise LostLeaseError unless the run still holds its session."""
        await self.unit(lambda unit: lease_rows.require_lease(unit, run.session.id, run.epoch))

    async def unit(self, work: Callable[[Unit], T]) -> T:
        """One unit of the store, at this moment."""
        return await self.store.unit(work, self.moments.now())

    async def begun(self, conversation: ConversationKey | None = None) -> Run:
        """A new session, leased."""
        return await self.begin((await self.start(conversation)).id)

    def proposal(
        self, session_id: SessionId, tool: str, arguments: dict[str, Any] | None = None, **more: Any
    ) -> Proposal:
        """A call of `tool` as the gate hands it in."""
        call = ToolCall(
            session_id=session_id,
            call_id=f"call-{next(self._call_ids)}",
            tool=tool,
            arguments=dict(QUOTE) if arguments is None else arguments,
            agent="seller",
            executor="gatekeeper",
            rationale=more.pop("rationale", "The customer asked."),
            schema_version=self.catalog.forms().get(("sales", tool)) or "",
        )
        return Proposal(call=call, **more)

    def question(self, session_id: SessionId, executor: str = "person") -> Proposal:
        """Free text that a user proxy asks for."""
        proposal = self.proposal(session_id, "human_input", {"prompt": "Go on?"})
        call = proposal.call.model_copy(update={"executor": executor})
        return Proposal(call=call, kind=RequestKind.INPUT)

    async def submit(self, run: Run, *proposals: Proposal | str) -> tuple[Request, ...]:
        """Hand in calls; a bare name is a call of that tool with the usual arguments."""
        return await self.runs.submit(
            run,
            [self.proposal(run.session.id, p) if isinstance(p, str) else p for p in proposals],
            state=chat_of({"role": "user", "content": "Quote"}),
        )

    async def asked(self, *proposals: Proposal | str) -> tuple[Request, ...]:
        """The requests of a new session that waits for them."""
        return await self.submit(await self.begun(), *(proposals or ("quote",)))

    async def vote(
        self,
        request: Request,
        who: Principal = BEN,
        verdict: Verdict = Verdict.APPROVE,
        **more: Any,
    ) -> Request:
        """A vote on the revision that `request` shows."""
        more.setdefault("comment", "Too much." if verdict is Verdict.REJECT else "")
        more.setdefault("digest", request.digest)
        return await self.approvals.vote(request.id, acting(who), verdict=verdict, **more)

    async def approved(self, tool: str = "quote", **more: Any) -> tuple[Run, Request]:
        """A run that may claim its one request."""
        run = await self.begun()
        (request,) = await self.submit(run, self.proposal(run.session.id, tool, **more))
        await self.vote(request)
        run = await self.begin(run.session.id)
        return run, run.batch[0]

    async def executing(self, **more: Any) -> tuple[Run, Request]:
        """A run that has claimed its one request."""
        run, request = await self.approved(**more)
        claimed = await self.runs.claim(run, request.id, request.arguments)
        assert isinstance(claimed, Request), claimed
        return run, claimed

    async def kinds(self, session_id: SessionId) -> Sequence[str]:
        """The kinds of a session's ledger entries, in order."""
        return [entry.kind for entry in await self.records.ledger(session_id)]

    async def now(self, request: Request | RequestId) -> Request:
        """The request as it is stored."""
        return await self.records.request(request if isinstance(request, str) else request.id)


@asynccontextmanager
async def opened(
    folder: Path, clock: ManualClock | None = None, *, database: str = "sqlite"
) -> AsyncIterator[World]:
    """A world whose doorbells are recorded and not answered."""
    async with empty_store(folder, database) as store:
        yield World(store, RecordingJobs(), clock or ManualClock())


@asynccontextmanager
async def working(folder: Path) -> AsyncIterator[World]:
    """A world with the embedded jobs, not yet running."""
    path, clock = fresh_database(folder), ManualClock()
    async with sqlite_store(path) as store:
        yield World(store, EmbeddedJobs(store, clock, sweep_every_s=0.01), clock)
