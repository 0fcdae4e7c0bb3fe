"""What the ledger costs: checking it, beside a plain check of its chains, and votes with signed
checkpoints and without. One run, in turn, on SQLite.

Processor time is counted, so that neighbours do not. The memory is that of a process of its own
that has checked so many entries, and of another one that has checked four times as many.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from bench.launch import ROOT
from bench.measure import require
from bench.ours.budgets import _Catalog
from bench.ours.fill import fill, read_template
from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.compose import Domain, compose
from countersign.approvals.jobs.embedded import EmbeddedJobs
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import (
    Actor,
    ChatState,
    Principal,
    PrincipalId,
    Proposal,
    Request,
    ToolCall,
    Verdict,
    Via,
)
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import AnyStore, open_reader, open_store, upgrade
from countersign.approvals.store.verifying import verify_all
from countersign.bot.clock import SystemClock
from countersign.bot.people import SettingsDirectory
from countersign.bot.settings.sections import PersonSettings

SESSIONS = int(os.environ.get("SESSIONS", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
VOTES = int(os.environ.get("VOTES", "500"))
SEAL_EVERY = 50
"""Votes from one seal to the next: a server seals every few seconds."""
RESULTS = Path(__file__).parents[1] / "ledger.json"
POLICY = {"tools": {"pay": {"effect": "require_approval", "roles": ["boss"], "deadline": "4h"}}}
PEOPLE = (
    PersonSettings(id="sam", name="Sam"),
    PersonSettings(id="alex", name="Alex", roles=frozenset({"boss"})),
)
GENESIS = "0" * 64


def _domain(store: AnyStore) -> Domain:
    clock = SystemClock()
    around = (Policy.load(POLICY), SettingsDirectory(PEOPLE), _Catalog())
    return compose(store, clock, EmbeddedJobs(store, clock), *around)


async def _asked(domain: Domain, number: int) -> Request:
    """A session whose one call waits for Alex."""
    owner = PrincipalId("sam")
    session = await domain.runs.start(workflow="w", workflow_version="1", task="Pay", owner=owner)
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
    return request


async def _voted(domain: Domain, sealing: Sealing | None) -> float:
    """Processor time of one vote, in µs; with the seals and signatures that it takes."""
    asked = [await _asked(domain, number) for number in range(VOTES)]
    alex: Principal = PEOPLE[1].principal()
    actor = Actor(principal=alex, via=Via.API, identity="bearer:alex")
    if sealing is not None:
        await sealing.seal()  # what was asked is sealed by then, on a server
    began_s = time.process_time()
    for number, request in enumerate(asked):
        verdict = Verdict.APPROVE
        await domain.approvals.vote(request.id, actor, verdict=verdict, digest=request.digest)
        if sealing is not None and number % SEAL_EVERY == SEAL_EVERY - 1:
            await sealing.seal()
    return (time.process_time() - began_s) / VOTES * 1e6


async def votes(folder: Path) -> dict[str, float]:
    """Processor time of a vote with and without signed checkpoints, in turn; that of the round
    that was disturbed least."""
    found: dict[str, list[float]] = {"without": [], "with": []}
    for number in range(ROUNDS):
        for name, times in found.items():
            url = f"sqlite:///{folder}/votes-{name}-{number}.db"
            upgrade(url)
            async with open_store(url) as store:
                key = SigningKey.new("bench.example/ledger")
                sealing = Sealing(store, SystemClock(), key) if name == "with" else None
                times.append(await _voted(_domain(store), sealing))
    return {name: min(times) for name, times in found.items()}


async def _filled(folder: Path, sessions: int) -> Path:
    """A database with so many sessions that wait."""
    path = folder / f"{sessions}.db"
    url = f"sqlite:///{path}"
    upgrade(url)
    async with open_store(url) as store:
        await _asked(_domain(store), 0)
    await asyncio.to_thread(fill, url, read_template(url), sessions)
    return path


async def _checked(path: Path) -> dict[str, Any]:
    """This process checks a whole database as `ledger verify` does."""
    async with open_reader(f"sqlite:///{path}") as reader:
        began_s = time.process_time()
        found = await verify_all(reader)
        took_s = time.process_time() - began_s
    require(found.verified, f"it does not verify: {found.problems[:1]}")
    return {"entries": found.entries, "cpu_s": took_s, "held_kb": _held_kb(), **_plain(path)}


def _held_kb() -> int:
    """The most that this process has held. `ru_maxrss` of Linux will not do: it goes through
    `exec`, so that a child begins with the peak of whoever started it (getrusage(2), Linux 6)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # bytes, on macOS
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0])


def _plain(path: Path) -> dict[str, float]:
    """The chains alone, as anybody checks them: bodies, headers, links; no tables, no seals."""
    database = sqlite3.connect(path)
    query = (
        "SELECT session_id, seq, at, kind, body, salt, commitment, prev_hash, hash FROM ledger "
        "ORDER BY session_id, seq"
    )
    began_s, of, before = time.process_time(), "", GENESIS
    for session, seq, at, kind, body, salt, committed, previous, own in database.execute(query):
        if session != of:
            of, before = session, GENESIS
        json.loads(body)
        members = {"at": at, "commitment": committed, "kind": kind, "prev_hash": previous}
        header = json.dumps(
            {**members, "seq": seq, "session": session, "v": 2},
            separators=(",", ":"),
            sort_keys=True,
            ensure_ascii=False,
        )
        sound = sha256(bytes.fromhex(salt) + body.encode()).hexdigest() == committed
        require(sound and previous == before, "the plain check does not hold")
        before = sha256(header.encode()).hexdigest()
        require(before == own, "the plain check does not hold")
    took_s = time.process_time() - began_s
    database.close()
    return {"plain_cpu_s": took_s}


def _in_a_process(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.ours.ledger", str(path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    require(said.returncode == 0, said.stderr)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


async def measure(folder: Path) -> dict[str, Any]:
    """All of it."""
    few, many = [await _filled(folder, n) for n in (max(1, SESSIONS // 4), SESSIONS)]
    small = _in_a_process(few)
    rounds = [_in_a_process(many) for _ in range(ROUNDS)]
    cpu_s, plain_s = (median(each[name] for each in rounds) for name in ("cpu_s", "plain_cpu_s"))
    entries, voted = rounds[0]["entries"], await votes(folder)
    return {
        "entries": entries,
        "entries_per_cpu_s": entries / cpu_s,
        "plain_entries_per_cpu_s": entries / plain_s,
        "to_plain": plain_s / cpu_s,
        "held_mb": median(each["held_kb"] for each in rounds) / 1024,
        "held_mb_of_a_quarter": small["held_kb"] / 1024,
        "vote_cpu_us": voted,
        "checkpoints_cost": voted["with"] / voted["without"] - 1,
    }


def main() -> None:
    """Measure, print, and write it as JSON."""
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(_checked(Path(sys.argv[1])))))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder)))
    print(
        f"`ledger verify` of {found['entries']:,} entries: {found['entries_per_cpu_s']:,.0f} a "
        f"second of one core; a plain check of the chains alone "
        f"{found['plain_entries_per_cpu_s']:,.0f} ({found['to_plain']:.2f} x)"
    )
    print(
        f"memory: {found['held_mb']:.0f} MB; "
        f"of a quarter of the sessions {found['held_mb_of_a_quarter']:.0f} MB"
    )
    print(
        f"a vote: {found['vote_cpu_us']['with']:,.0f} µs with signed checkpoints, "
        f"{found['vote_cpu_us']['without']:,.0f} µs without ({found['checkpoints_cost']:+.1%})"
    )
    told = {"python": sys.version.split()[0], "rounds": ROUNDS, "votes": VOTES, **found}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
