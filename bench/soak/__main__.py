"""`python -m bench.soak`: a steady, bounded load for MINUTES, with everything that could grow read
again and again. Ends with 1 if something did, or a session was lost."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.contenders import OURS, Contender
from bench.data import directory
from bench.load.product import SERVERS
from bench.lockstep.blocks import running
from bench.measure import BenchError, require
from bench.ours.product import DATABASES, use_postgresql
from bench.results import RESULTS, Results, merge
from bench.soak import table
from bench.soak.drift import leaks
from bench.soak.steady import steady

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    options = _parser().parse_args(arguments)
    results = Results()
    for database in options.databases:
        try:
            results.soak.append(
                soak(database, minutes=options.minutes, rate=options.rate, tell=_tell)
            )
        except (BenchError, AssertionError, OSError) as exc:
            results.lacks(OURS, f"soak on {database}: {exc}")
            _tell(f"{database}: {exc}")
    merge(options.output, "soak", results, "soak")
    grown = [(run["database"], leak) for run in results.soak for leak in leaks(run["samples"])]
    sys.stdout.write(f"\n{table.render(results.soak)}\n\nWritten to {options.output}\n")
    for database, leak in grown:
        sys.stdout.write(f"{database}: {leak.bound.what} grew from {leak.first} to {leak.last}\n")
    return 1 if grown or results.missing else 0


def soak(database: str, *, minutes: float, rate: float, tell: Callable[[str], None]) -> Row:
    """The samples of one run. Raises BenchError if a session was lost or the ledger is broken."""
    if database == "postgresql":
        use_postgresql()
    env = {"DATABASE": database, "SERVERS": str(SERVERS)}
    program = Contender(OURS, "bench.ours.host", env=env).program()
    with directory() as path, running(program, path / "bench.db") as worker:
        about = worker.ask("prepare", n=1)
        began_s = time.monotonic()
        samples, sessions = asyncio.run(
            steady(about, seconds=minutes * 60, rate=rate, tell=partial(_of, tell, database))
        )
        require(worker.ask("verify"), "the ledger does not verify")
    return {
        "database": database,
        "minutes": round((time.monotonic() - began_s) / 60, 1),
        "rate": rate,
        "sessions": sessions,
        "samples": samples,
    }


def _of(tell: Callable[[str], None], database: str, line: str) -> None:
    tell(f"{database} {line}")


def _parser() -> argparse.ArgumentParser:
    env = os.environ
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    add = parser.add_argument
    minutes, rate = env.get("MINUTES", "30"), env.get("RATE", "8")
    add("--minutes", type=float, default=minutes, help="of load on each [MINUTES, 30]")
    add("--rate", type=float, default=rate, help="sessions begun each second [RATE, 8]")
    add(
        "--databases",
        type=_databases,
        default=env.get("DATABASES", "sqlite"),
        help=f"by commas [DATABASES, sqlite]: {', '.join(DATABASES)}",
    )
    add("--output", type=Path, default=RESULTS, help="where the results go")
    return parser


def _databases(names: str) -> list[str]:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if not chosen or (unknown := [name for name in chosen if name not in DATABASES]):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown) if chosen else names}")
    return chosen


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
