"""`countersign demo`: the main job once, by itself, on the real application."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console

from countersign.approvals.audit.ledger import Verification
from countersign.approvals.audit.notes import VerifierKey
from countersign.approvals.audit.receipts import parse, verify
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    JsonObject,
    Outcome,
    Request,
    SessionId,
)
from countersign.bot.console import console, errors, show_json
from countersign.bot.demo.fronts import ApiFront, Front, TeamsFront
from countersign.bot.demo.inbox import InboxFront
from countersign.bot.demo.mail import MailFront
from countersign.bot.demo.options import DecisionName, FrontName, WorkflowName
from countersign.bot.demo.program import ProgramFront
from countersign.bot.demo.scenarios import SCENARIOS, Scenario
from countersign.bot.demo.slack import SlackFront
from countersign.bot.demo.story import Story
from countersign.bot.demo.tickets import TicketFront
from countersign.bot.demo.world import Effect, World, open_world
from countersign.bot.observability import logs
from countersign.sandbox.asana.desk import AsanaDesk
from countersign.sandbox.botframework.answers import BotUnreachableError
from countersign.sandbox.jira.desk import JiraDesk
from countersign.sandbox.servicenow.desk import ServiceNowDesk

STEP_TIMEOUT_S = 60.0
"""How long the agents may take to their next proposal, or to their last word."""
LOOK_EVERY_S = 0.05
REQUESTS_MAX = 10
RAN = (Outcome.EXECUTED, Outcome.EXECUTED_WITH_CHANGES)


@dataclass(frozen=True)
class Decided:
    """One request of the session at its end, with what the back ends received for it."""

    request: Request
    effects: list[Effect]

    @property
    def ran(self) -> bool:
        """Whether the agents were told that it ran."""
        return self.request.result is not None and self.request.result.outcome in RAN


@dataclass(frozen=True)
class Proven:
    """A receipt that was verified as whoever gets it would: with the public key alone."""

    request_id: str
    key: str
    size_bytes: int


@dataclass(frozen=True)
class Report:
    """The whole run."""

    session: dict[str, Any]
    decided: list[Decided]
    ledger: Verification
    receipt: Proven | None = None
    """Of the first call that ran; None where nothing signs the ledger."""

    @property
    def done(self) -> bool:
        """Whether the job was done: it ended well, something ran, each thing exactly once."""
        ran = [one for one in self.decided if one.ran]
        once = all(len(one.effects) == (1 if one.ran else 0) for one in self.decided)
        ended = self.session["status"] == "completed"
        return ended and bool(ran) and once and self.ledger.verified

    def as_json(self) -> JsonObject:
        """The object of `--json`."""
        return {
            "session": {"id": self.session["id"], "status": self.session["status"]},
            "requests": [_request(one.request) for one in self.decided],
            "executions": [
                {
                    "request_id": one.request.id,
                    "tool": one.request.tool,
                    "arguments": effect.arguments,
                    "outcome": str(one.request.result.outcome) if one.request.result else None,
                }
                for one in self.decided
                for effect in one.effects
            ],
            "ledger": {"entries": self.ledger.entries, "verified": self.ledger.verified},
        }


def run(*, workflow: WorkflowName, decide: DecisionName, via: FrontName, as_json: bool) -> int:
    """Run the demo and return the exit status: 0 if the job was done and the ledger verifies."""
    logs.configure(level=logging.ERROR)
    story = Story(Console(quiet=True) if as_json else console)
    try:
        report = asyncio.run(_play(SCENARIOS[workflow], decide, via, story))
    except (ValueError, OSError, httpx.HTTPError, BotUnreachableError) as exc:
        # TimeoutError is an OSError; a card that cannot be clicked is a ValueError.
        errors.print(f"countersign demo: {exc}", markup=False, highlight=False, soft_wrap=True)
        return 1
    if as_json:
        show_json(report.as_json())
    return 0 if report.done else 1


async def _play(scenario: Scenario, decide: DecisionName, via: FrontName, story: Story) -> Report:
    async with open_world(via, scenario) as world:
        front = _front(world)
        story.begins(scenario, world, via)
        session_id = await front.start(scenario)
        decided: dict[str, int] = {}
        first = True
        while waiting := await _next_checkpoint(world, session_id, decided):
            for request in waiting:
                choice = scenario.choice(request["tool"], decide, first=first)
                first = first and request["tool"] != scenario.tool
                story.proposed(request)
                seen = await front.decide(request, choice)
                story.decided(choice, request, seen)
                decided[request["id"]] = request["revision"]
        report = await _report(world, session_id, decided)
        story.told(await front.told())
        story.ended(report.session, [(o.request, o.effects) for o in report.decided], report.ledger)
        if report.receipt is not None:
            proven = report.receipt
            story.proven(proven.request_id, proven.size_bytes, proven.key)
        return report


def _front(world: World) -> Front:
    if world.teams is not None:
        return TeamsFront(world, world.teams)
    if world.jira is not None:
        return TicketFront(world, JiraDesk(world.jira))
    if world.snow is not None:
        return TicketFront(world, ServiceNowDesk(world.snow))
    if world.asana is not None:
        return TicketFront(world, AsanaDesk(world.asana))
    if world.slack is not None:
        return SlackFront(world, world.slack)
    if world.program is not None:
        return ProgramFront(world, world.program)
    if world.by_mail:
        return MailFront(world)
    return InboxFront(world) if world.by_page else ApiFront(world)


async def _next_checkpoint(
    world: World, session_id: str, decided: Mapping[str, int]
) -> list[dict[str, Any]]:
    """The requests that wait for a person next; none once the session is over.

    `decided` has the revision of each that was: one that was changed is asked again if what it
    would do has changed with it.
    """
    if len(decided) > REQUESTS_MAX:
        raise ValueError(f"session {session_id} asks again and again; see the log above")
    deadline = time.monotonic() + STEP_TIMEOUT_S
    while time.monotonic() < deadline:
        session = await world.call("sam", "GET", f"/api/v1/sessions/{session_id}")
        query = f"/api/v1/requests?session={session_id}&status=pending"
        found = await world.call("sam", "GET", query)
        waiting = [r for r in found["items"] if r["revision"] > decided.get(r["id"], 0)]
        if waiting or session["status"] not in ("running", "waiting"):
            return waiting
        await asyncio.sleep(LOOK_EVERY_S)
    trouble = session["error"] or "the agents say nothing"
    raise ValueError(
        f"session {session_id} is still {session['status']} after {STEP_TIMEOUT_S:.0f} s: {trouble}"
    )


async def _report(world: World, session_id: str, decided: Iterable[str]) -> Report:
    session = await world.call("sam", "GET", f"/api/v1/sessions/{session_id}")
    requests = [await world.stored(request_id) for request_id in decided]
    ledger = await world.records.verify(SessionId(session_id))
    all_decided = [Decided(r, world.effects(r)) for r in requests]
    ran = next((one.request.id for one in all_decided if one.ran), None)
    proven = None if ran is None else await _proven(world, ran)
    return Report(session, all_decided, ledger, proven)


async def _proven(world: World, request_id: str) -> Proven | None:
    """Take the receipt of a request and verify it. Raises ValueError if it does not verify."""
    if not world.signs:
        return None
    made = await world.call("sam", "GET", f"/api/v1/ledger/receipts/{request_id}")
    found = await world.call("sam", "GET", "/api/v1/ledger/checkpoint")
    key, text = found["public_keys"][-1], json.dumps(made)
    try:
        told = verify(parse(text), [VerifierKey.parse(key)])
    except InvalidError as exc:
        raise ValueError(f"the receipt of {request_id} does not verify: {exc}") from exc
    return Proven(told["request"], key, len(text))


def _request(request: Request) -> JsonObject:
    return {
        "id": request.id,
        "tool": request.tool,
        "arguments": request.arguments,
        "digest": request.digest,
        "status": str(request.status),
        "decided_by": request.decision.by if request.decision else None,
        "via": str(request.decision.via) if request.decision else None,
    }
