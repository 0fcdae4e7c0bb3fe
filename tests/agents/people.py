"""The same story on two stores: the fake in memory, and the real service on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from countersign.agents.classic.registry import Registry
from countersign.approvals.compose import compose
from countersign.approvals.models import (
    Actor,
    JsonObject,
    Principal,
    PrincipalId,
    Request,
    Session,
    Verdict,
    Via,
)
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import open_store
from tests.agents.fakes import FakeRuns
from tests.doubles.clock import ManualClock
from tests.doubles.database import sqlite_url
from tests.doubles.directory import FakeDirectory
from tests.doubles.jobs import RecordingJobs

MIA = Principal(id=PrincipalId("mia"), name="Mia", roles=frozenset({"manager"}))
ANN = Principal(id=PrincipalId("ann"), name="Ann", roles=frozenset({"sales"}))
DEADLINE_S = 3600


class Office(Protocol):
    """A Runs, and the people and the time around it."""

    runs: Any

    async def session(self, session_id: str) -> Session:
        """The session as it is now."""

    async def requests(self, session_id: str) -> list[Request]:
        """The requests of the open checkpoint, in order."""

    async def approve(self, request: Request, arguments: JsonObject | None = None) -> None:
        """Mia approves, with other arguments if given."""

    async def reject(self, request: Request, comment: str) -> None:
        """Mia rejects."""

    async def answer(self, request: Request, text: str) -> None:
        """The owner answers a free-text question."""

    async def expire(self, request: Request) -> None:
        """Nobody answers in time."""

    async def lose_owner(self, session_id: str) -> None:
        """The process that runs the session dies and its lease runs out."""

    def limit_tools(self, seconds: float) -> None:
        """From the next process on tools are given up after so long."""


class FakeOffice:
    """On FakeRuns."""

    def __init__(self, guarded: Sequence[str], denied: Sequence[str]):
        self.runs = FakeRuns(guarded=guarded, denied=denied)

    async def session(self, session_id: str) -> Session:
        return self.runs.sessions[session_id]  # type: ignore[index]

    async def requests(self, session_id: str) -> list[Request]:
        return list(self.runs.batch(session_id))  # type: ignore[arg-type]

    async def approve(self, request: Request, arguments: JsonObject | None = None) -> None:
        self.runs.approve(request.id, arguments)

    async def reject(self, request: Request, comment: str) -> None:
        self.runs.reject(request.id, comment)

    async def answer(self, request: Request, text: str) -> None:
        self.runs.answer(request.id, text)

    async def expire(self, request: Request) -> None:
        self.runs.expire(request.id)

    async def lose_owner(self, session_id: str) -> None:
        self.runs.kill_owner(session_id)  # type: ignore[arg-type]

    def limit_tools(self, seconds: float) -> None:
        self.runs.tool_timeout_s = seconds


class SqliteOffice:
    """On the real service."""

    def __init__(self, store: Any, registry: Registry, policy: Policy):
        self._clock = ManualClock()
        self.store, self._policy = store, policy
        self.restart(registry)

    def restart(self, registry: Registry) -> None:
        """Go on in another release of the workflows."""
        self._registry = registry
        self._compose()

    def _compose(self, **options: Any) -> None:
        around = (self._policy, FakeDirectory([ANN, MIA]), self._registry)
        domain = compose(self.store, self._clock, RecordingJobs(), *around, **options)
        self.runs, self.approvals, self.records = domain.runs, domain.approvals, domain.records
        self.domain = domain

    async def session(self, session_id: str) -> Session:
        return await self.records.session(session_id)

    async def requests(self, session_id: str) -> list[Request]:
        session = await self.records.session(session_id)
        page = await self.records.requests(session_id=session.id, limit=50)
        found = [r for r in page.items if r.checkpoint_id == session.checkpoint_id]
        return sorted(found, key=lambda r: r.position)

    async def approve(self, request: Request, arguments: JsonObject | None = None) -> None:
        verdict = Verdict.APPROVE if arguments is None else Verdict.MODIFY
        await self._vote(request, MIA, verdict, arguments=arguments)

    async def reject(self, request: Request, comment: str) -> None:
        await self._vote(request, MIA, Verdict.REJECT, comment=comment)

    async def answer(self, request: Request, text: str) -> None:
        who = MIA if request.stages[0].roles == ("manager",) else ANN
        await self._vote(request, who, Verdict.APPROVE, comment=text)

    async def expire(self, request: Request) -> None:
        self._clock.advance(DEADLINE_S + 1)
        await self.approvals.expire(request.id)

    async def lose_owner(self, session_id: str) -> None:
        self.advance(self.runs.lease_s + 1)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._clock.advance(seconds)

    def limit_tools(self, seconds: float) -> None:
        self._compose(tool_timeout_s=seconds)

    async def _vote(self, request: Request, who: Principal, verdict: Verdict, **form: Any) -> None:
        actor = Actor(principal=who, via=Via.API, identity=f"token:{who.id}")
        await self.approvals.vote(request.id, actor, verdict=verdict, digest=request.digest, **form)


@asynccontextmanager
async def sqlite_office(
    path: Path, registry: Registry, guarded: Sequence[str], denied: Sequence[str]
) -> AsyncIterator[SqliteOffice]:
    """The real service on a new file; every tool that is not named is allowed."""
    tools: dict[str, Any] = {tool: "allow" for info in registry.infos() for tool in info.tools}
    ask = {"effect": "require_approval", "roles": ["manager"], "deadline": f"{DEADLINE_S}s"}
    tools |= dict.fromkeys(guarded, ask) | dict.fromkeys(denied, "deny")
    rules: JsonObject = {
        "tools": tools,
        "human_input": {"roles": ["owner"], "deadline": f"{DEADLINE_S}s"},
    }
    if "look_up" in tools:
        rules["reversibility"] = {"look_up": "read_only"}
    policy = Policy.load(rules)
    async with open_store(sqlite_url(path.parent, path.name)) as store:
        yield SqliteOffice(store, registry, policy)
