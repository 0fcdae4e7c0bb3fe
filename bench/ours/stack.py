"""Countersign as the server wires it, without channels, web server and running jobs."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from bench.measure import BenchError
from bench.ours.workflows import CONTEXT, WORKFLOWS
from bench.payload import TOOL
from countersign import Registry, SessionManager
from countersign.agents.leases import elapsed_s
from countersign.approvals.approvals import Approvals
from countersign.approvals.compose import compose
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.outbox import RUN
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.models import (
    Actor,
    Principal,
    PrincipalId,
    Request,
    RequestStatus,
    Verdict,
    Via,
)
from countersign.approvals.ports import Directory, Store
from countersign.approvals.records import Records
from countersign.approvals.rules.policy import Policy
from countersign.approvals.runs import Runs
from countersign.approvals.store import open_store
from countersign.bot.clock import SystemClock
from countersign.bot.people import SettingsDirectory
from countersign.bot.settings.sections import PersonSettings

REQUESTER, APPROVER = PrincipalId("sam"), PrincipalId("alex")
LEDGER = "ledger"
"""The table of the audit trail."""
PAGE = 200
_ALEX = PersonSettings(id=APPROVER, name="Alex", roles=frozenset({"finance"}))
_PEOPLE = (PersonSettings(id=REQUESTER, name="Sam"), _ALEX)
ACTOR = Actor(principal=_ALEX.principal(), via=Via.API, identity="bearer:alex")
ASKED: Mapping[str, Any] = {"effect": "require_approval", "roles": ["finance"], "deadline": "4h"}
"""Of whom a call is asked, and for how long."""
_POLICY: Mapping[str, Any] = {"tools": {TOOL: dict(ASKED)}}


@dataclass(frozen=True)
class Stack:
    """What the legs call."""

    runs: Runs
    approvals: Approvals
    records: Records
    manager: SessionManager
    registry: Registry
    jobs: EmbeddedJobs

    async def start(self, workflow: str, task: str) -> str:
        """A new session, run to its pause. Returns its id."""
        session = await self.runs.start(
            workflow=workflow,
            workflow_version=self.registry.info(workflow).version,
            task=task,
            owner=REQUESTER,
        )
        await self.manager.run(session.id)
        return session.id

    async def approve(self, request: Request) -> None:
        """A person's vote on what they saw: the id and the digest, as a card carries them."""
        verdict = Verdict.APPROVE
        await self.approvals.vote(request.id, ACTOR, verdict=verdict, digest=request.digest)

    async def pending(self) -> list[Request]:
        """Every request that waits, oldest first."""
        found: list[Request] = []
        cursor: str | None = None
        while True:
            page = await self.records.requests(
                status=RequestStatus.PENDING, limit=PAGE, cursor=cursor
            )
            found += page.items
            if page.next is None:
                return found
            cursor = page.next


MakeDirectory = Callable[[Store, Sequence[Principal]], Awaitable[Directory]]


@asynccontextmanager
async def stack(
    database: Path,
    *workflows: str,
    directory: MakeDirectory | None = None,
    policy: Mapping[str, Any] = _POLICY,
) -> AsyncIterator[Stack]:
    """The parts on one database, with these workflows; people as `directory` makes them of those
    that are usual, which are the only ones without it."""
    quiet()
    rules, clock = Policy.load(dict(policy)), SystemClock()
    listed = SettingsDirectory(_PEOPLE)
    registry = Registry(CONTEXT)
    for name in workflows:
        registry.add(WORKFLOWS[name])
    async with open_store(f"sqlite:///{database}") as store:
        people = listed if directory is None else await directory(store, listed.everybody())
        jobs = EmbeddedJobs(store, clock)
        handoff = Handoff(elapsed_s)
        domain = compose(store, clock, jobs, rules, people, registry, handoff=handoff)
        runs, approvals, records = domain.runs, domain.approvals, domain.records
        async with SessionManager(runs, registry) as manager:
            handoff.open(manager.free_slots)
            jobs.handle(RUN, manager.run)
            yield Stack(runs, approvals, records, manager, registry, jobs)


def quiet() -> None:
    """Nothing is logged, as the peers log nothing; a warning or an error ends the leg."""
    level = logging.WARNING
    structlog.configure(
        processors=[_stop], wrapper_class=structlog.make_filtering_bound_logger(level)
    )
    logging.getLogger("autogen").setLevel(level)


def _stop(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    error = event.pop("exc_info", None)
    raise BenchError(str(event)) from (error if isinstance(error, BaseException) else None)


def versions() -> dict[str, str]:
    """What our legs ran on."""
    names = ("countersign-approvals", "autogen", "sqlalchemy", "pydantic")
    return {name: version(name) for name in names}
