"""`python -m bench`: measure, write bench/results.json, print the tables."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench import run, table
from bench.contenders import CONTENDERS, NOT_BY_DEFAULT, Contender
from bench.launch import ROOT

RESULTS = ROOT / "bench" / "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 if a leg of our own could not be measured."""
    options = _parser().parse_args(arguments)
    chosen = _chosen(options.peers)
    results = run.sessions(chosen, n=options.n, reps=options.reps, tell=_tell)
    if options.service:
        run.service(results, n=options.n, tell=_tell)
        run.tickets(results, n=options.tickets, reps=options.reps, tell=_tell)
    values = asdict(results)
    options.output.write_text(json.dumps(values, indent=1) + "\n")
    sys.stdout.write(f"\n{table.render(values)}\nWritten to {options.output}\n")
    return 1 if run.failed(results, chosen) else 0


def _parser() -> argparse.ArgumentParser:
    env = os.environ
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--n", type=_positive, default=env.get("N", "500"), help="sessions per leg [N, 500]")
    add("--reps", type=_positive, default=env.get("REPS", "3"), help="repetitions [REPS, 3]")
    add(
        "--tickets",
        type=_positive,
        default=env.get("TICKETS", "200"),
        help="tickets that are polled [TICKETS, 200]",
    )
    names = ", ".join(contender.name for contender in CONTENDERS)
    add("--peers", default=env.get("PEERS", ""), help=f"only these, by commas [PEERS]: {names}")
    add(
        "--service",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the vote, recovery and ticket legs",
    )
    add("--output", type=Path, default=RESULTS, help="where the results go")
    return parser


def _chosen(names: str) -> list[Contender]:
    wanted = [name.strip() for name in names.replace(",", " ").split()]
    known = {contender.name: contender for contender in CONTENDERS}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"PEERS: unknown {', '.join(unknown)}. Known: {', '.join(known)}.")
    if wanted:
        return [known[name] for name in dict.fromkeys(wanted)]
    return [contender for contender in CONTENDERS if contender.name not in NOT_BY_DEFAULT]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
