"""What budgets cost at a claim, beside a policy without any: one run, in turn, on SQLite.

Sessions with one allowed call each are prepared; then all of them claim it, one after the other.
Processor time is counted, so that neighbours do not, and the time that the disk takes is not in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

from countersign.approvals.compose import Domain, compose
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.models import (
    ChatState,
    Checked,
    Effective,
    JsonObject,
    People,
    Principal,
    PrincipalId,
    Proposal,
    Request,
    ToolCall,
)
from countersign.approvals.rules.policy import Policy
from countersign.approvals.runs import Run
from countersign.approvals.store import open_store, upgrade
from countersign.bot.clock import SystemClock

ROUNDS = int(os.environ.get("ROUNDS", "5"))
CLAIMS = int(os.environ.get("CLAIMS", "200"))
RESULTS = Path(__file__).parents[1] / "budgets.json"
SAM = Principal(id=PrincipalId("sam"), name="Sam", roles=frozenset({"rep"}), identities={})
DAY = {"tool": "pay", "window": "day", "zone": "Europe/Berlin", "count": {"hard": 10**6}}
EUR = {"amount": "args.amount", "currency": "EUR", "hard": 10**9}
VARIANTS: dict[str, dict[str, Any]] = {
    "none": {},
    "of another tool": {"other": {**DAY, "tool": "refund"}},
    "a day, by count and value": {"day": {**DAY, "value": EUR}},
    "24 h, rolling": {"span": {"tool": "pay", "window": "24h", "value": EUR}},
    "three": {
        "day": {**DAY, "value": EUR},
        "week": {**DAY, "window": "week", "per": ["requester"]},
        "span": {"tool": "pay", "window": "24h", "value": EUR},
    },
}


class _Directory:
    """One person."""

    def by_id(self, principal_id: str) -> Principal | None:
        return SAM if principal_id == SAM.id else None

    def by_identity(self, kind: str, value: str) -> Principal | None:
        return None

    def people(self) -> People:
        return People([SAM])

    def with_roles(self, roles: Sequence[str]) -> Sequence[Principal]:
        return [SAM] if SAM.roles.intersection(roles) else []

    def everybody(self) -> Sequence[Principal]:
        return [SAM]

    async def refresh(self) -> bool:
        return False


class _Catalog:
    """Tools of which nothing is known."""

    def schema(self, workflow: str, tool: str) -> JsonObject | None:
        return None

    def forms(self) -> dict[tuple[str, str], str]:
        return {}

    def schema_versions(self) -> frozenset[str]:
        return frozenset({""})

    async def effective(self, workflow: str, tool: str, arguments: JsonObject) -> Effective | None:
        return None

    async def checked(self, workflow: str, tool: str, arguments: JsonObject) -> Checked | None:
        return None

    def input_roles(self, workflow: str, executor: str) -> tuple[str, ...]:
        return ()


async def _ready(domain: Domain, count: int) -> list[tuple[Run, Request]]:
    """So many sessions that may claim their one call."""
    found = []
    for number in range(count):
        session = await domain.runs.start(
            workflow="w", workflow_version="1", task="Pay", owner=SAM.id
        )
        run = await domain.runs.begin(session.id)
        if run is None:
            raise AssertionError("somebody else runs it")
        call = ToolCall(
            session_id=session.id,
            call_id="1",
            tool="pay",
            arguments={"amount": number + 0.25, "payee": "ACME"},
            agent="clerk",
            executor="gate",
        )
        state = ChatState(snapshot="{}", transcript_sha256="0" * 64)
        (request,) = await domain.runs.submit(run, [Proposal(call=call)], state=state, first=True)
        found.append((run, request))
    return found


async def _claim_all(domain: Domain) -> float:
    """Processor time of one claim, in µs."""
    ready = await _ready(domain, CLAIMS)
    began_s = time.process_time()
    for run, request in ready:
        got = await domain.runs.claim(run, request.id, request.arguments)
        if not isinstance(got, Request):
            raise AssertionError(f"it was not claimed: {got}")
    return (time.process_time() - began_s) / CLAIMS * 1e6


async def measure(names: Iterable[str]) -> dict[str, list[float]]:
    """Each variant's rounds, in turn."""
    found: dict[str, list[float]] = {name: [] for name in names}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        domains = {}
        for number, name in enumerate(found):
            url = f"sqlite:///{folder}/{number}.db"
            upgrade(url)
            store = await stack.enter_async_context(open_store(url))
            policy = Policy.load({"tools": {"pay": "allow"}, "budgets": VARIANTS[name]})
            around = (policy, _Directory(), _Catalog())
            clock = SystemClock()
            domains[name] = compose(store, clock, EmbeddedJobs(store, clock), *around)
        for _ in range(ROUNDS):
            for name, domain in domains.items():
                found[name].append(await _claim_all(domain))
    return found


def main() -> None:
    """Measure, print the table, and write it as JSON."""
    found = {name: median(rounds) for name, rounds in asyncio.run(measure(VARIANTS)).items()}
    print("| budgets of the call | a claim | to none |\n| --- | ---: | ---: |")
    for name, took_us in found.items():
        print(f"| {name} | {took_us:,.0f} µs | {took_us / found['none']:.2f} x |")
    told = {"python": sys.version.split()[0], "rounds": ROUNDS, "claim_cpu_us": found}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
