"""The run: every contender's pause and resume in lockstep; then our own legs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.contenders import OURS, Contender
from bench.data import directory
from bench.launch import launch
from bench.lockstep.blocks import Program
from bench.lockstep.rounds import WARM_UP, Rounds, prove, round_of
from bench.measure import BenchError
from bench.results import Results

VOTERS = (1, 16, 64)
WAITING = 1000
"""Sessions that wait when the recovery leg starts."""
VOTES, RECOVERY = "bench.ours.votes", "bench.ours.recovery"
TICKETS = "bench.ours.tickets"
SYSTEMS = ("servicenow", "jira")
LATENCIES_MS = (0, 150)
"""What every call to a ticket system takes at least."""
Tell = Callable[[str], None]


def sessions(
    contenders: Sequence[Contender], *, rounds: int, block: int, held: int, tell: Tell
) -> Results:
    """Every contender in turn, `rounds` times a block of so many sessions.

    Before that each has to bring `held` sessions over the end of a process, which shows what they
    hold on the disk and how many statements ours take.
    """
    results = Results()
    with ExitStack() as stack:
        running, left = Rounds(stack), {}
        for contender in contenders:
            try:
                program = contender.program()
                left[contender.name] = _proved(program, held, results)
                path = stack.enter_context(directory())
                running.join(program, path / "bench.db")
            except (BenchError, OSError) as exc:
                results.lacks(contender.name, exc)
                tell(f"{contender.name} is missing: {exc}")
            else:
                tell(f"{contender.name} is up")
        for number in range(-WARM_UP, rounds):
            for name, leg, found in round_of(running, list(running.workers), number, block):
                if isinstance(found, BenchError):
                    del running.workers[name]
                    results.lacks(name, found, rep=number + 1)
                    tell(f"{name}: {found}")
                elif number >= 0:
                    row = {"rep": number + 1, "peer": name, "leg": leg, **found}
                    results.rows.append({**row, **left[name][leg]})
            tell(_progress(results.rows, number, rounds))
        for name, worker in running.workers.items():
            try:
                worker.close()  # ours looks at its ledger
            except BenchError as exc:
                results.lacks(name, exc)
                tell(f"{name}: {exc}")
    return results


def _proved(program: Program, held: int, results: Results) -> dict[str, dict[str, Any]]:
    ours = program.module.endswith(("sessions", "sessions.py"))
    counted = {**program.env, "STATEMENTS": "1"} if ours else program.env
    left, versions = prove(replace(program, env=counted), held)
    results.versions.update({k: v for k, v in versions.items() if k not in results.versions})
    return left


def _progress(rows: Sequence[dict[str, Any]], number: int, rounds: int) -> str:
    if number < 0:
        return f"warm-up {number + WARM_UP + 1}/{WARM_UP}"
    mine = {row["leg"]: row for row in rows if row["peer"] == OURS and row["rep"] == number + 1}
    rates = ", ".join(f"{leg} {row['per_s']:.0f}/s" for leg, row in mine.items())
    return f"round {number + 1}/{rounds}" + (f": {rates}" if rates else "")


def service(results: Results, *, n: int, tell: Tell) -> None:
    """Votes at different concurrency, and a start with many waiting sessions."""
    python = Path(sys.executable)
    try:
        for voters in VOTERS:
            with directory() as path:
                figures = launch(
                    python, VOTES, "votes", path / "bench.db", n=n, env={"CONCURRENCY": str(voters)}
                )
            results.service.append({"leg": "votes", "voters": voters, **results.take(figures)})
            tell(f"votes by {voters}: {figures['per_s']}/s")
        with directory() as path:
            database = path / "bench.db"
            launch(python, RECOVERY, "prepare", database, n=WAITING)
            figures = launch(python, RECOVERY, "recover", database, n=WAITING)
        results.service.append({"leg": "recovery", **results.take(figures)})
        tell(f"recovery with {WAITING} waiting: {figures['ready_ms']} ms")
    except BenchError as exc:
        results.lacks(OURS, exc)
        tell(str(exc))


def tickets(results: Results, *, n: int, reps: int, tell: Tell) -> None:
    """One poll of each ticket system beside reading its tickets one by one."""
    env = {"REPS": str(reps), "LATENCIES_MS": ",".join(map(str, LATENCIES_MS))}
    for system in SYSTEMS:
        try:
            with directory() as path:
                figures = launch(
                    Path(sys.executable),
                    TICKETS,
                    "tickets",
                    path / "bench.db",
                    n=n,
                    env={**env, "SYSTEM": system},
                )
        except BenchError as exc:
            results.lacks(OURS, f"tickets in {system}: {exc}")
            tell(f"tickets in {system}: {exc}")
            continue
        for row in results.take(figures)["rows"]:
            results.service.append({"leg": "tickets", "system": system, **row})
            tell(
                f"{row['rep']}/{reps} {n} tickets in {system}, {row['latency_ms']} ms a call: "
                f"{row['calls']} calls, {row['poll_ms']} ms; one by one "
                f"{row['one_by_one_calls']} calls, {row['one_by_one_ms']} ms"
            )


def failed(results: Results, contenders: Sequence[Contender]) -> bool:
    """Whether something of our own could not be measured; a missing peer is only reported."""
    ours = {c.name for c in contenders if c.is_ours} | {OURS}
    return any(gap["peer"] in ours for gap in results.missing)
