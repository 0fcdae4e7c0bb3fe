"""Simulations: recorded calls a second through two policies of many rules, and the memory for that.

`python -m bench.ours.simulate` writes so many calls (CALLS, 1,000,000) into a new SQLite database,
and 10,000 into another one. Each is replayed in a process of its own, by a policy of so many rules
(RULES, 100) and by one in which every second rule has another limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import codec, history, open_reader, upgrade
from countersign.approvals.store.schema import requests, sessions
from countersign.approvals.store.sqlite_engine import sqlite_engine
from countersign.bot.policy.simulation.run import Simulation
from countersign.bot.policy.simulation.work_file import work_file

AT = datetime(2026, 1, 1, tzinfo=UTC)
TOOLS, SESSIONS, AT_ONCE = 10, 1_000, 10_000
SAID = {"verdict": "approve", "by": "ben", "by_name": "Ben", "via": "teams", "comment": ""}
GOAL_PER_S = 20_000
FEW = 10_000
FLAT = 1.25
"""How much more memory all calls may take than FEW of them."""


def most(step: int, limit: float) -> float:
    """The amount of a rule: every second one has `limit` more."""
    return 100.0 * (step + 1) + limit * (step % 2)


def policy(rules: int, limit: float) -> Policy:
    """So many rules for TOOLS tools, by amount, one after the other."""
    each = rules // TOOLS
    ordered = [
        {
            "id": f"rule-{tool}-{step}",
            "tool": f"tool_{tool}",
            "when": f'args.amount <= {most(step, limit)} && args.currency == "EUR"',
            "effect": "allow" if step < each // 2 else "require_approval",
            **({} if step < each // 2 else {"roles": [f"manager-{step}"], "deadline": "4h"}),
        }
        for tool in range(TOOLS)
        for step in range(each)
    ]
    return Policy.load({"rules": ordered})


def session_rows() -> list[dict[str, Any]]:
    """The sessions of all calls."""
    at = codec.to_text(AT)
    return [
        {
            "id": f"S-{number}", "workflow": "sales", "workflow_version": "1", "task": "t",
            "owner": "sam", "status": "completed", "created_at": at, "updated_at": at,
            "ledger_head": "", "ledger_seq": 0, "epoch": 0, "attempts": 0, "chunks": 0,
        }
        for number in range(SESSIONS)
    ]  # fmt: skip


def request_rows(calls: int) -> Iterator[dict[str, Any]]:
    """Calls, each with arguments of its own; people have refused one in a hundred."""
    for number in range(calls):
        at = codec.to_text(AT + timedelta(seconds=number))
        refused = number % 100 == 7
        said = {**SAID, "at": at, "digest": "00", "verdict": "reject" if refused else "approve"}
        amount = (number * 7919) % 120_000 / 100.0
        arguments = {"amount": amount, "currency": "EUR", "to": f"customer-{number % 5000}"}
        yield {
            "id": f"R-{number:09}", "session_id": f"S-{number % SESSIONS}",
            "checkpoint_id": f"C-{number}", "position": 0, "kind": "tool",
            "call_id": f"c{number}", "tool": f"tool_{number % TOOLS}",
            "arguments": json.dumps(arguments), "agent": "seller", "executor": "gate",
            "rationale": "r", "risk": "low", "rule_id": "r", "reason": "r",
            "policy_version": "p", "revision": 1, "digest": "00", "stages": "[]", "stage": 0,
            "status": "rejected" if refused else "executed", "requester": "sam", "idempotent": 0,
            "created_at": at, "decision": json.dumps(said), "execution_token": "00",
        }  # fmt: skip


def fill(path: Path, calls: int) -> None:
    """A database with so many calls."""
    upgrade(f"sqlite:///{path}")
    engine = sqlite_engine(path)
    with engine.begin() as connection:
        connection.execute(sessions.insert(), session_rows())
        rows: list[dict[str, Any]] = []
        for row in request_rows(calls):
            rows.append(row)
            if len(rows) == AT_ONCE:
                connection.execute(requests.insert(), rows)
                rows = []
        if rows:
            connection.execute(requests.insert(), rows)
    engine.dispose()


async def replayed(path: Path, rules: int) -> dict[str, float]:
    """What replaying all of it took: CPU seconds, and memory at its highest, in MB."""
    span = history.Span(AT - timedelta(days=1), AT + timedelta(days=365))
    pair = policy(rules, 0.0), policy(rules, 50.0)
    with work_file(None) as work:
        async with open_reader(f"sqlite:///{path}") as reader:
            began = time.process_time()
            simulation = Simulation(*pair, lambda _: frozenset(), span)
            tally = await simulation.run(reader, work, lambda _: None)
            took = time.process_time() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"calls": tally.calls, "against": tally.against, "cpu_s": took, "peak_mb": peak_mb}


def measured(folder: Path, calls: int, rules: int) -> dict[str, float]:
    """In a process of its own: what it holds is of this alone."""
    path = folder / f"{calls}.db"
    fill(path, calls)
    command = [sys.executable, "-m", "bench.ours.simulate", str(path), str(rules)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> int:
    """Print both, and whether the goals are met."""
    if len(sys.argv) == 3:
        print(json.dumps(asyncio.run(replayed(Path(sys.argv[1]), int(sys.argv[2])))))
        return 0
    calls, rules = int(os.environ.get("CALLS", "1000000")), int(os.environ.get("RULES", "100"))
    with tempfile.TemporaryDirectory(prefix="countersign-simulate-") as name:
        few, many = (measured(Path(name), n, rules) for n in (FEW, calls))
    for each in (few, many):
        print(
            f"{each['calls']:>9,} calls, {rules} rules: {each['calls'] / each['cpu_s']:>9,.0f} "
            f"calls/s of CPU, {each['peak_mb']:.0f} MB at most"
        )
    fast = many["calls"] / many["cpu_s"] >= GOAL_PER_S
    flat = many["peak_mb"] <= FLAT * few["peak_mb"]
    print(f"at least {GOAL_PER_S:,} calls/s: {fast}; memory flat: {flat}")
    return 0 if fast and flat else 1


if __name__ == "__main__":
    sys.exit(main())
