"""A world that is driven step by step, and what must be true of it after every step."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from countersign.approvals.audit.canonical import digest
from countersign.approvals.errors import CountersignError, IntegrityError, LostLeaseError
from countersign.approvals.models import (
    Delegation,
    Effect,
    Limit,
    PauseKind,
    PauseScope,
    PrincipalId,
    Request,
    RequestId,
    RequestStatus,
    SessionId,
    SessionStatus,
    Stage,
    Terms,
    Verdict,
    Via,
    Vote,
)
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.lifecycle import MOVES
from countersign.approvals.rules.pausing import Known
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.runs import Run
from countersign.approvals.store import codec, schema
from countersign.approvals.store import requests as request_rows
from tests.doubles.directory import EVERYBODY, acting
from tests.doubles.replayed import differing
from tests.doubles.world import RULES, World, opened

REACHABLE = {
    status: {status, *MOVES[status], *(far for near in MOVES[status] for far in MOVES[near])}
    for status in RequestStatus
}
"""A step may make two moves at once, as when a vote expires a request and wakes the session."""
FEW, SPEND = 6, 600
SPAN = timedelta(hours=1)
BUDGETED: dict[str, Any] = {
    **RULES,
    "budgets": {
        "few": {"tool": "*", "window": "day", "zone": "UTC", "count": {"hard": FEW}},
        "spend": {
            "tool": ["quote", "look", "wire"],
            "window": "1h",
            "value": {"amount": "args.amount", "currency": "EUR", "soft": 200, "hard": SPEND},
            "roles": ["controller"],
        },
    },
}
"""The usual rules, and budgets that a few calls use up."""
REAL_PEOPLE = {p.id: p for p in EVERYBODY}
APPROVED = RequestStatus.APPROVED
BAND: dict[str, Any] = {"tool": "band", "effect": "require_approval"}
MACHINE_RULES: dict[str, Any] = {
    **BUDGETED,
    "rules": [
        {"id": "huge", "tool": "band", "when": "args.amount >= 250", "effect": "deny"},
        {"id": "large", "when": "args.amount >= 100", **BAND,
         "stages": [{"roles": ["manager"]}, {"roles": ["controller"]}]},
        {"id": "small", **BAND, "roles": ["manager"],
         "edits": {"second_person_above": "args.amount > 0"}},
    ],
    "tools": {
        **RULES["tools"],
        "ship": {
            "effect": "require_approval",
            "stages": [
                {"roles": ["manager"]},
                {"people": ["cara", "erin"], "parallel": True},
                {"groups": ["finance"], "parallel": True},
            ],
            "rejects": {"needed": 2},
        },
        "keep": {
            "effect": "require_approval",
            "roles": ["manager"],
            "edits": {"without_editor_above": "args.amount > 100"},
            "grants": {"max_uses": 3, "max_duration": "2h"},
        },
    },
    "reversibility": {"keep": "reversible"},
}  # fmt: skip
"""Those of the world, with bands of amounts, with stages that are open at once, with an edit that
keeps out who made it, and with grants."""
KNOWN: Known = {PauseKind.TOOL: frozenset({"quote", "band", "keep", "look"})}


@dataclass(frozen=True)
class Body:
    """One start of a tool body."""

    request_id: str
    epoch: int
    token: str
    digest: str


class Machine:
    """The service on a database, with an executor that records what it starts."""

    def __init__(self, database: str = "sqlite") -> None:
        self._runner = asyncio.Runner()
        self._folder = Path(tempfile.mkdtemp(prefix="countersign-machine-"))
        self._stack = AsyncExitStack()
        self.world: World = self._run(
            self._stack.enter_async_context(opened(self._folder, database=database))
        )
        self.world.use(MACHINE_RULES)
        self.harmless: set[RequestId] = set()
        """Calls of which it was said that nothing had happened."""
        self.runs: list[Run] = []
        """Every run that ever began, live or lost: a lost one may still try anything."""
        self.running: list[tuple[Run, Request]] = []
        """Tool bodies that have started and not come back."""
        self.bodies: dict[str, list[Body]] = defaultdict(list)
        self._seen: dict[str, Request] = {}
        self.editors: dict[RequestId, set[str]] = defaultdict(set)
        """Who has asked for a change of a call, whether or not it was made."""
        self.paused: dict[str, PauseScope] = {}
        """What is paused, as people were told: by tool, or "" for everything."""
        self.grants: dict[str, int] = {}
        """How many calls each grant allows."""

    def close(self) -> None:
        """Let go of everything."""
        self._run(self._stack.aclose())
        self._runner.close()
        shutil.rmtree(self._folder)

    def do(self, step: Any) -> Any:
        """One step; a refusal is an outcome like any other."""
        with contextlib.suppress(CountersignError):
            return self._run(step)

    def _run(self, step: Any) -> Any:
        return self._runner.run(step)

    def now(self, requests: list[Request]) -> list[Request]:
        """The requests as they are stored."""
        _, stored = self._run(self.world.store.read(_everything))
        return [stored[request.id] for request in requests]

    async def begin(self, session_id: SessionId) -> None:
        """Lease a session if it is free."""
        if run := await self.world.runs.begin(session_id):
            self.runs.append(run)

    async def claim(self, run: Run, request_id: RequestId, arguments: dict[str, Any]) -> None:
        """What a gate does: claim, check, start the body."""
        before = await self.world.store.read(_everything)
        if not _is_open(request_id, *before):
            with pytest.raises((IntegrityError, LostLeaseError)):
                await self.world.runs.claim(run, request_id, arguments)
            assert before == await self.world.store.read(_everything), "a refusal changed something"
            return
        claimed = await self.world.runs.claim(run, request_id, arguments)
        if not isinstance(claimed, Request) or claimed.status is not RequestStatus.EXECUTING:
            return  # not run, or asked again
        await self.world.require_lease(run)
        assert not {claimed.tool, ""} & set(self.paused), "began although it is paused"
        self.running.append((run, claimed))
        self.bodies[claimed.id].append(
            Body(
                request_id=claimed.id,
                epoch=run.epoch,
                token=claimed.execution_token,
                digest=_digest(claimed),
            )
        )
        siblings = await self.world.store.read(
            lambda c: request_rows.of_checkpoint(c, claimed.session_id, claimed.checkpoint_id)
        )
        assert RequestStatus.PENDING not in {s.status for s in siblings}, "ran before all decided"
        await self._require_approval(claimed)

    async def finish(self, number: int, *, how: str) -> None:
        """A body comes back, perhaps long after its run was lost."""
        run, request = self.running.pop(number)
        before, runs = await self.world.now(request), self.world.runs
        with contextlib.suppress(LostLeaseError):
            if how == "raised":
                await runs.raised(run, request.id, content="boom")
            else:
                await runs.finish(run, request.id, ok=how == "done", content=how)
        unsure = before.status in (RequestStatus.EXECUTING, RequestStatus.IN_DOUBT)
        if how == "harmless" and unsure and before.executing_epoch == run.epoch:
            self.harmless.add(request.id)

    async def _require_approval(self, request: Request) -> None:
        decision = request.decision
        assert decision is not None
        assert decision.digest == _digest(request), "ran something else than was decided"
        if decision.via == Via.POLICY:
            rule = self.world.policy.tools[request.tool]
            assert rule.effect is Effect.ALLOW
            return
        if decision.via == Via.GRANT:
            assert request.tool == "keep", "by a grant that no rule permits"
            assert not request.modified, "a grant is of what was proposed"
            return
        assert decision.verdict in (Verdict.APPROVE, Verdict.MODIFY)
        votes = [
            v for v in await self.world.records.votes(request.id) if v.revision == request.revision
        ]
        against = [v for v in votes if v.verdict is Verdict.REJECT]
        for number, stage in enumerate(request.stages):
            rejected = {v.principal_id for v in against if v.stage == number}
            assert len(rejected) < stage.rejects, "ran though it was rejected"
        votes = [v for v in votes if v.verdict is Verdict.APPROVE]
        assert len({v.principal_id for v in votes}) == len(votes), "one person has two votes"
        self._require_segregation(request, votes)
        for number, stage in enumerate(request.stages):
            assert self._fill(stage, [v for v in votes if number in (v.stage, *v.also)])
            assert stage.same_person or not any(number in v.also for v in votes)
        self._require_whom_the_proposed_call_needs(request, votes)

    def _require_whom_the_proposed_call_needs(self, request: Request, votes: list[Vote]) -> None:
        """Reckoned from the votes alone: whoever either call would ask has had a say."""
        at = Situation(workflow="sales", requester=request.requester, at=request.created_at)
        for arguments in (request.proposed_arguments, request.arguments):
            ruling = self.world.policy.rule(call_of(request, arguments or request.arguments), at)
            assert ruling.effect is not Effect.DENY, "ran what is denied"
            for stage in ruling.stages if ruling.effect is Effect.REQUIRE_APPROVAL else ():
                assert self._fill(stage, votes), "an edit let somebody out"

    def _require_segregation(self, request: Request, votes: list[Vote]) -> None:
        """Reckoned from the delegations there are and from who has asked for changes."""
        out = {str(request.requester)}
        if any(stage.without_editors for stage in request.stages):
            assert "keep" == request.tool
            assert request.arguments["amount"] > 100
            changed = {id_ for stage in request.stages for id_ in stage.editors}
            assert changed <= self.editors[request.id]
            assert changed
            out |= changed
        elif request.modified and request.tool == "keep":
            assert request.arguments["amount"] <= 100, "an editor was not kept out"
        for vote in votes:
            for who in {str(vote.principal_id), str(vote.seat)}:
                assert not out & {who, *self.givers(who)}, "decided by who is kept out"
            if vote.on_behalf_of:
                assert vote.on_behalf_of in self.givers(str(vote.principal_id)), "for nobody"

    def givers(self, who: str) -> set[str]:
        """For whom somebody stands in, by at most two steps."""
        pairs = [(str(d.delegate), str(d.giver)) for d in self.world.directory.delegations]
        near = {giver for delegate, giver in pairs if delegate == who}
        return near | {giver for delegate, giver in pairs if delegate in near} - {who}

    async def delegate(self, giver: str, delegate: str) -> None:
        """Somebody lets somebody else decide for them, or takes that back."""
        known = self.world.directory.delegations
        one = Delegation(giver=PrincipalId(giver), delegate=PrincipalId(delegate))
        if one in known:
            known.remove(one)
        elif giver != delegate and giver not in self.givers(giver) | {delegate}:
            if delegate not in self.givers(giver):  # nobody may in a circle
                known.append(one)

    async def pause(self, tool: str, *, on: bool) -> None:
        """Somebody pauses a tool, or everything; or lets it go on."""
        if on is (tool in self.paused):
            return
        kind = PauseKind.TOOL if tool else PauseKind.ALL
        scope, pausing = PauseScope(kind=kind, name=tool), self.world.approvals.pausing
        if not on:
            pause = await pausing.resume(scope, voter("root"))
            del self.paused[tool]
            await pausing.tell(pause.id)
        else:
            self.paused[tool] = scope
            await pausing.pause(scope, "The price list is wrong.", voter("root"), KNOWN)

    async def give(self, request: Request, who: str, uses: int) -> None:
        """Somebody gives a standing yes to calls like this one."""
        grant = await self.world.approvals.granting.give(request.id, voter(who), Terms(uses=uses))
        assert request.tool == "keep", "a grant that its rule does not permit"
        self.grants[grant.id] = uses

    async def take_back(self, pick: int, who: str) -> None:
        """Somebody revokes a grant."""
        grant_id = sorted(self.grants)[pick % len(self.grants)]
        await self.world.approvals.granting.revoke(grant_id, voter(who))

    def _check_grants(self, uses: list[dict[str, Any]]) -> None:
        """None covers more calls than it allows."""
        for grant_id, used in Counter(use["grant_id"] for use in uses).items():
            assert used <= self.grants[grant_id], "more calls than were granted"

    def _fill(self, stage: Stage, votes: list[Vote]) -> bool:
        """Whether enough of these votes are of people whom the stage asks today."""
        count = 0
        for vote in votes:
            holder = self.world.directory.by_id(vote.seat)
            assert holder is not None
            count += bool(
                holder.roles & set(stage.roles)
                or holder.groups & set(stage.groups)
                or holder.id in stage.people
            )
        return count >= stage.quorum

    def check_replays(self) -> None:
        """Its ledger alone tells each session as the tables have it."""

        def unit(connection: Connection) -> list[str]:
            ids = connection.execute(select(schema.sessions.c.id)).scalars().all()
            return [each for id_ in ids for each in differing(connection, id_)]

        wrong = self._run(self.world.store.read(unit))
        assert not wrong, wrong

    def check(self) -> None:
        """All invariants at once."""
        self._run(self._check())

    async def _check(self) -> None:
        rows, requests = await self.world.store.read(_everything)
        self._check_moves(requests)
        self._check_bodies(requests)
        for row in rows:
            mine = [r for r in requests.values() if r.session_id == row["id"]]
            self._check_session(row, mine)
        self._check_budgets(requests, await self.world.store.read(_uses))
        self._check_grants(await self.world.store.read(_grant_uses))
        verification = await self.world.records.verify()
        assert verification.verified, verification.problems

    def _check_moves(self, requests: dict[str, Request]) -> None:
        assert set(self._seen) <= set(requests), "a request was lost"
        for request_id, now in requests.items():
            before = self._seen.get(request_id)
            if before is None:
                continue
            assert now.status in REACHABLE[before.status], f"{before.status} to {now.status}"
            assert now.execution_token == before.execution_token
            revoked = (before.status, now.status) == (APPROVED, RequestStatus.REJECTED)
            if before.decision is not None and now.revision == before.revision and not revoked:
                assert now.decision == before.decision, "a decision was changed"
                assert now.digest == before.digest, "a decided request was changed"
            if before.status in (RequestStatus.EXECUTED, RequestStatus.FAILED):
                assert now.result == before.result, "an outcome was changed"
        self._seen = requests

    def _check_bodies(self, requests: dict[str, Request]) -> None:
        for request_id, bodies in self.bodies.items():
            request = requests[request_id]
            if not request.idempotent:
                assert len(bodies) == 1, "ran twice"
            assert {body.token for body in bodies} == {request.execution_token}
            assert {body.digest for body in bodies} == {request.digest}
            assert len({body.epoch for body in bodies}) == len(bodies), "one run ran it twice"
        for request in requests.values():
            if request.status in (RequestStatus.PENDING, APPROVED, RequestStatus.REJECTED):
                assert request.id not in self.bodies, "what was not approved, or revoked, ran"
            if request.status in (RequestStatus.EXECUTED, RequestStatus.FAILED):
                assert request.id in self.bodies, "an outcome without a body"
            finding = None if request.result is None else request.result.finding
            if finding is not None:
                assert finding.by != request.requester or not request.stages, "settled by who asked"

    def _check_budgets(self, requests: dict[str, Request], uses: list[dict[str, Any]]) -> None:
        """Never exceeded, never passed softly without people, and given back only on certainty."""
        drawn: dict[str, set[str]] = defaultdict(set)
        held: dict[str, list[tuple[datetime, Decimal]]] = defaultdict(list)
        for use in uses:
            drawn[use["request_id"]].add(use["budget"])
            result = requests[use["request_id"]].result
            finding = None if result is None else result.finding
            nothing = use["request_id"] in self.harmless or (finding and not finding.happened)
            assert bool(use["released_at"]) is bool(nothing), "given back without certainty"
            if not nothing:
                held[use["budget"]].append((codec.from_text(use["at"]), Decimal(use["amount"])))
        for at, _ in held["few"]:
            same_day = [1 for other, _ in held["few"] if other.date() == at.date()]
            assert len(same_day) <= FEW, "more calls than there are"
        for at, _ in held["spend"]:
            within = [amount for other, amount in held["spend"] if at - SPAN <= other <= at]
            assert sum(within) <= SPEND, "more spent than there is"
        for request_id in self.bodies:
            request = requests[request_id]
            assert {each.budget for each in request.budgets} == drawn[request_id], "not counted"
            by_rule = request.decision is not None and request.decision.via == Via.POLICY
            passed = any(each.passes is Limit.SOFT for each in request.budgets)
            assert not (by_rule and passed), "nobody was asked past a soft limit"

    def _check_session(self, row: dict[str, Any], requests: list[Request]) -> None:
        open_checkpoint = [r for r in requests if r.checkpoint_id == row["checkpoint_id"]]
        pending = [r for r in requests if r.status is RequestStatus.PENDING]
        if row["status"] == SessionStatus.WAITING:
            assert {r.id for r in pending} <= {r.id for r in open_checkpoint}
            assert pending, "waits for nobody"
            assert row["next_at"] is None
            assert row["lease_until"] is None
        else:
            assert not pending, f"pending in a {row['status']} session"
        if row["status"] == SessionStatus.RUNNING:
            if row["next_at"] is None:
                assert row["held_by"] is not None, "never due again"
                assert self.paused, "held by what goes on"
        if row["status"] not in (SessionStatus.RUNNING, SessionStatus.WAITING):
            assert row["next_at"] is None
            assert not [
                r for r in requests if r.status is RequestStatus.APPROVED and r.result is None
            ], "an approval outlived its session"


def _digest(request: Request) -> str:
    return digest(
        session_id=request.session_id,
        call_id=request.call_id,
        tool=request.tool,
        arguments=request.arguments,
        policy_version=request.policy_version,
        salt=request.digest_salt,
    )


def _everything(connection: Connection) -> tuple[list[dict[str, Any]], dict[str, Request]]:
    rows = [dict(row._mapping) for row in connection.execute(select(schema.sessions))]
    found = [codec.request(row) for row in connection.execute(select(schema.requests))]
    return rows, {request.id: request for request in found}


def _uses(connection: Connection) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(select(schema.budget_uses))]


def _grant_uses(connection: Connection) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(select(schema.grant_uses))]


def _is_open(request_id: str, rows: list[dict[str, Any]], requests: dict[str, Request]) -> bool:
    """Whether its session has proposed it last."""
    request = requests[request_id]
    return any(row["checkpoint_id"] == request.checkpoint_id for row in rows)


def voter(principal_id: str) -> Any:
    """A person as Teams has authenticated them."""
    return acting(REAL_PEOPLE[principal_id])  # type: ignore[index]
