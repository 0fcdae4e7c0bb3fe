"""Time in any order: reminders, escalations and deadlines under two servers, whose clocks differ
and jump.

COUNTERSIGN_MACHINE_EXAMPLES=1000 makes it a long run.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from countersign.approvals.compose import Domain
from countersign.approvals.errors import CountersignError
from countersign.approvals.jobs.due import due_jobs
from countersign.approvals.models import (
    JsonObject,
    LedgerEntry,
    Request,
    RequestStatus,
    Verdict,
    Via,
)
from tests.approvals.machine import voter
from tests.doubles.clock import DifferingClock
from tests.doubles.world import QUOTE, World, opened

EXAMPLES = int(os.environ.get("COUNTERSIGN_MACHINE_EXAMPLES", "15"))
pytestmark = pytest.mark.timeout(60 + 5 * EXAMPLES)
PICK = st.integers(0, 1_000)
OFFICE = {"zone": "Europe/Berlin", "hours": "09:00-17:00"}
ASK: JsonObject = {"effect": "require_approval", "roles": ["manager"]}
TOOLS: JsonObject = {
    "patient": {
        **ASK,
        "deadline": "6h",
        "remind": ["1h", "2h", "30m before"],
        "escalate": [{"after": "3h", "roles": ["controller"], "instead": True}],
    },
    "office": {
        **ASK,
        "deadline": {"business": "6h", "calendar": "office"},
        "remind": [{"before": {"business": "1h", "calendar": "office"}}],
        "at_deadline": "escalate",
        "escalate": [
            {"after": {"business": "2h", "calendar": "office"}, "roles": ["controller"]},
            {"roles": ["admin"]},
        ],
    },
    "silent": {**ASK, "deadline": "2h", "at_deadline": "approve", "remind": ["1h"]},
    "firm": {**ASK, "deadline": "2h"},
    "endless": {**ASK, "remind": ["1h", "5h"]},
}
CLASSES = {"silent": "reversible", "patient": "read_only"}
RULES = {"tools": TOOLS, "calendars": {"office": OFFICE}, "reversibility": CLASSES}
OTHER = {**RULES, "tools": {**TOOLS, "patient": {**TOOLS["patient"], "remind": ["30m", "4h"]}}}
AT_MOST = {"patient": (5, 1), "office": (9, 2), "silent": (1, 0), "firm": (0, 0), "endless": (2, 0)}
"""Reminders and escalations of one revision, whatever the clocks do: the rules of both policies
together, and begun anew at the deadlines of `office`."""
BATCHES = st.lists(st.sampled_from(sorted(TOOLS)), min_size=1, max_size=2)
PEOPLE = st.sampled_from(["anna", "ben", "cara", "dave", "root"])
VERDICTS = st.sampled_from([Verdict.APPROVE, Verdict.MODIFY, Verdict.REJECT])


class Times(RuleBasedStateMachine):
    """Two servers, people, and clocks."""

    database = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="countersign-times-"))
        self.stack = AsyncExitStack()
        self.world: World = self.do(
            self.stack.enter_async_context(opened(self.folder, database=self.database))
        )
        self.other_clock = DifferingClock(self.world.clock)
        self.requests: list[Request] = []
        self.back_s = 0.0
        self.use(RULES)

    def teardown(self) -> None:
        self.do(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    def do(self, step: Any) -> Any:
        with contextlib.suppress(CountersignError):
            return self.runner.run(step)

    def use(self, rules: JsonObject) -> None:
        self.world.use(rules)
        self.servers: tuple[Domain, Domain] = (
            self.world.domain,
            self.world.composed(clock=self.other_clock),
        )

    @initialize(days=st.sampled_from([0, 26, 236]))
    def begin(self, days: int) -> None:
        """In the office clocks are put forward on the next day of the second, and back on that of
        the third."""
        self.world.clock.advance(hours=24 * days)

    @rule(tools=BATCHES)
    def ask(self, tools: list[str]) -> None:
        """Calls are proposed together."""
        self.requests += self.do(self.world.asked(*tools))

    @rule(minutes=st.sampled_from([1, 29, 31, 60, 90, 240, 900]))
    def wait(self, minutes: int) -> None:
        self.world.clock.advance(minutes=minutes)
        self.back_s = max(0.0, self.back_s - minutes * 60)

    @rule()
    def jump_back(self) -> None:
        """Both clocks were ahead by two minutes."""
        if self.back_s == 0.0:
            self.world.clock.set_back(120)
            self.back_s = 120.0

    @rule(by_s=st.sampled_from([-85.0, -1.0, 0.0, 85.0]))
    def differ(self, by_s: float) -> None:
        """The clock of the second server is set: it is behind the first one, or ahead of it. With
        what both jump it is less than `clock_ahead.SKEW` between any two times."""
        self.other_clock.by_s = by_s

    @rule(which=st.sampled_from([(0,), (1,), (0, 1), (1, 0)]))
    def sweep(self, which: tuple[int, ...]) -> None:
        """One server, or two at once, do what is due by their clocks."""
        self.do(self._sweep(which))

    async def _sweep(self, which: tuple[int, ...]) -> None:
        world, clocks = self.world, (self.world.clock, self.other_clock)
        world.take()
        for kind in ("expire", "deliver", "remind"):
            work = []
            for number in which:
                domain, now = self.servers[number], clocks[number].now()
                jobs = await world.store.read(
                    lambda c, of=kind, at=now: due_jobs(c, at, kinds=[of])  # type: ignore[misc]
                )
                handlers: dict[str, Any] = {
                    "expire": domain.approvals.expire,
                    "deliver": domain.courier.deliver,
                    "remind": domain.courier.remind,
                }
                work += [handlers[kind](job.id) for job in jobs]
            await asyncio.gather(*work)

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, who=PEOPLE, verdict=VERDICTS, server=st.sampled_from([0, 1]))
    def vote(self, pick: int, who: str, verdict: Verdict, server: int) -> None:
        current: Request = self.do(self.world.now(self.requests[pick % len(self.requests)]))
        edited = {**QUOTE, "amount": pick}
        self.do(
            self.servers[server].approvals.vote(
                current.id,
                voter(who),
                verdict=verdict,
                digest=current.digest,
                arguments=edited if verdict is Verdict.MODIFY else None,
                comment="Because.",
            )
        )

    @rule(other=st.booleans())
    def reload(self, other: bool) -> None:
        """The servers start again with a policy that reminds otherwise."""
        self.use(OTHER if other else RULES)
        self.do(self.world.approvals.ask_again_what_changed())

    @invariant()
    def all_holds(self) -> None:
        self.runner.run(self._check())

    async def _check(self) -> None:
        verification = await self.world.records.verify()
        assert verification.verified, verification.problems
        said = Counter(self.world.channel.reminded)
        assert not said or 1 == max(said.values()), "reminded twice"
        for known in self.requests:
            request = await self.world.now(known)
            entries = [
                entry
                for entry in await self.world.records.ledger(request.session_id)
                if entry.body.get("request") == request.id
            ]
            _check_entries(request, entries)
            _check_timing(request)


def _check_entries(request: Request, entries: list[LedgerEntry]) -> None:
    kinds = [entry.kind for entry in entries]
    for number, entry in enumerate(entries):
        if entry.kind in ("reminded", "escalated"):
            assert not {"decided", "expired"} & set(kinds[:number]), "of what was decided"
    reminders, escalations = AT_MOST[request.tool]
    revisions = 1 + kinds.count("revised")
    assert kinds.count("reminded") <= reminders * revisions
    assert kinds.count("escalated") <= escalations * revisions
    assert kinds.count("decided") + kinds.count("expired") <= 1


def _check_timing(request: Request) -> None:
    timing, decision = request.timing, request.decision
    if timing is not None:
        assert request.next_step_at == timing.next_step_at
        times = [step.at for step in timing.steps]
        assert times == sorted(times)
        if request.expires_at is not None and request.status is RequestStatus.PENDING:
            assert all(at < request.expires_at for at in times)
    if decision is not None and decision.via == Via.CLOCK and decision.verdict is Verdict.APPROVE:
        assert request.tool == "silent"
        assert not request.modified


class OnPostgres(Times):
    """The same on PostgreSQL."""

    database = "postgresql"


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


TestTimes = Times.TestCase
TestTimes.settings = _settings(EXAMPLES)
TestOnPostgres = OnPostgres.TestCase
TestOnPostgres.settings = _settings(max(EXAMPLES // 3, 1))
