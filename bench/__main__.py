"""`python -m bench`: measure, write bench/results.json, print the tables."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import run, table
from bench.contenders import CONTENDERS, NOT_BY_DEFAULT, Contender
from bench.results import RESULTS, merge


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 if a leg of our own could not be measured."""
    options = _parser().parse_args(arguments)
    chosen = _chosen(options.peers)
    sizes = {"rounds": options.rounds, "block": options.block, "held": options.held}
    results = run.sessions(chosen, **sizes, tell=_tell)
    lists = ["rows"]
    if options.service:
        run.service(results, n=options.n, tell=_tell)
        run.tickets(results, n=options.tickets, reps=options.reps, tell=_tell)
        lists.append("service")
    values = merge(options.output, "peers", results, *lists)
    sys.stdout.write(f"\n{table.render(values)}\nWritten to {options.output}\n")
    return 1 if run.failed(results, chosen) else 0


def _parser() -> argparse.ArgumentParser:
    env = os.environ
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    for name, default, what in (
        ("rounds", "25", "rounds in lockstep"),
        ("block", "20", "sessions of each contender in a round"),
        ("held", "200", "sessions that are paused by one process and resumed by another"),
        ("n", "500", "votes of the vote leg"),
        ("reps", "3", "repetitions of the ticket leg"),
        ("tickets", "200", "tickets that are polled"),
    ):
        default = env.get(name.upper(), default)
        what = f"{what} [{name.upper()}, {default}]"
        parser.add_argument(f"--{name}", type=_positive, default=default, help=what)
    add = parser.add_argument
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
