"""The run: every contender's pause and resume, interleaved, again and again; then our own legs."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import machine
from bench.contenders import OURS, Contender
from bench.launch import ROOT, launch
from bench.measure import BenchError

LEGS = ("pause", "resume")
VOTERS = (1, 16, 64)
WAITING = 1000
"""Sessions that wait when the recovery leg starts."""
VOTES, RECOVERY = "bench.ours.votes", "bench.ours.recovery"
TICKETS = "bench.ours.tickets"
SYSTEMS = ("servicenow", "jira")
LATENCIES_MS = (0, 150)
"""What every call to a ticket system takes at least."""
DATA = ROOT / "bench" / ".data"
"""In the checkout: a temporary directory may be in memory, where a commit costs nothing."""

Tell = Callable[[str], None]


@dataclass
class Results:
    """What was measured. `missing` says why a contender has no figures, or not all."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    service: list[dict[str, Any]] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=machine.describe)

    def take(self, figures: dict[str, Any]) -> dict[str, Any]:
        """The figures of a leg without the versions, which are kept once."""
        self.versions.update(figures.pop("versions", {}))
        return figures


def sessions(contenders: Sequence[Contender], *, n: int, reps: int, tell: Tell) -> Results:
    """Every contender `reps` times. Who goes first changes, so that nobody always does."""
    results = Results()
    ready = _with_environments(contenders, results, tell)
    for rep in range(1, reps + 1):
        turn = (rep - 1) % len(ready) if ready else 0
        for contender in ready[turn:] + ready[:turn]:
            try:
                for row in _pair(contender, n, results):
                    results.rows.append({"rep": rep, "peer": contender.name, **row})
                    tell(f"{rep}/{reps} {contender.name} {row['leg']}: {row['per_s']}/s")
            except BenchError as exc:
                results.missing.append({"peer": contender.name, "rep": rep, "reason": str(exc)})
                tell(f"{rep}/{reps} {contender.name}: {exc}")
    return results


def service(results: Results, *, n: int, tell: Tell) -> None:
    """Votes at different concurrency, and a start with many waiting sessions."""
    python = Path(sys.executable)
    try:
        for voters in VOTERS:
            with _database() as database:
                figures = launch(
                    python, VOTES, "votes", database, n=n, env={"CONCURRENCY": str(voters)}
                )
            results.service.append({"leg": "votes", "voters": voters, **results.take(figures)})
            tell(f"votes by {voters}: {figures['per_s']}/s")
        with _database() as database:
            launch(python, RECOVERY, "prepare", database, n=WAITING)
            figures = launch(python, RECOVERY, "recover", database, n=WAITING)
        results.service.append({"leg": "recovery", **results.take(figures)})
        tell(f"recovery with {WAITING} waiting: {figures['ready_ms']} ms")
    except BenchError as exc:
        results.missing.append({"peer": OURS, "reason": str(exc)})
        tell(str(exc))


def tickets(results: Results, *, n: int, reps: int, tell: Tell) -> None:
    """One poll of each ticket system beside reading its tickets one by one."""
    env = {"REPS": str(reps), "LATENCIES_MS": ",".join(map(str, LATENCIES_MS))}
    for system in SYSTEMS:
        try:
            with _database() as database:
                figures = launch(
                    Path(sys.executable),
                    TICKETS,
                    "tickets",
                    database,
                    n=n,
                    env={**env, "SYSTEM": system},
                )
        except BenchError as exc:
            results.missing.append({"peer": OURS, "reason": f"tickets in {system}: {exc}"})
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


def _with_environments(
    contenders: Sequence[Contender], results: Results, tell: Tell
) -> list[Contender]:
    ready = []
    for contender in contenders:
        try:
            contender.python()
        except (BenchError, OSError) as exc:
            results.missing.append({"peer": contender.name, "reason": str(exc)})
            tell(f"{contender.name} is missing: {exc}")
        else:
            ready.append(contender)
    return ready


def _pair(contender: Contender, n: int, results: Results) -> Iterator[dict[str, Any]]:
    with _database() as database:
        for leg in LEGS:
            figures = launch(
                contender.python(), contender.module, leg, database, n=n, env=contender.env
            )
            yield {"leg": leg, **results.take(figures)}


@contextmanager
def _database() -> Iterator[Path]:
    DATA.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(dir=DATA))
    try:
        yield directory / "bench.db"
    finally:
        shutil.rmtree(directory, ignore_errors=True)
