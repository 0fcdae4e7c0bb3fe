"""`python -m bench.load`: measure both builds in turn, write bench/results.json, print tables."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench import goals
from bench.contenders import OURS
from bench.load import product, sessions, starts, table
from bench.measure import BenchError
from bench.ours.product import DATABASES
from bench.results import RESULTS, Results, merge

PARTS = ("clicks", "votes", "sessions", "trips", "starts", "crowd")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 if something of ours could not be measured."""
    options = _parser().parse_args(arguments)
    results = Results()
    for what, measure in _measurements(options):
        began_s = time.monotonic()
        try:
            measure(results, tell=_tell)
        except (BenchError, AssertionError, OSError) as exc:
            results.lacks(OURS, f"{what}: {exc}")
            _tell(f"{what}: {exc}")
        _tell(f"{what}: done in {time.monotonic() - began_s:.0f} s")
    values = merge(options.output, "load", results, "load")
    text = "\n\n".join([table.render(values), goals.render(values)])
    sys.stdout.write(f"\n{text}\n\nWritten to {options.output}\n")
    return 1 if any(gap["peer"] == OURS for gap in results.missing) else 0


def _measurements(options: argparse.Namespace) -> list[tuple[str, Callable[..., None]]]:
    parts, rounds = options.parts, options.rounds
    found: list[tuple[str, Callable[..., None]]] = []
    for database in options.databases:
        sizes = {
            "rounds": rounds if "votes" in parts else 0,
            "clicks": options.clicks if "clicks" in parts else 0,
            "votes": options.votes,
        }
        if sizes["rounds"] or sizes["clicks"]:
            found.append((
                f"votes and clicks on {database}",
                partial(product.votes_and_clicks, database=database, **sizes),
            ))  # fmt: skip
    if "sessions" in parts:
        found.append(("sessions at once", partial(sessions.at_once, rounds=rounds)))
    if "trips" in parts:
        found.append(("round trips", partial(sessions.round_trips, rounds=rounds)))
    if "starts" in parts:
        found.append(("starts", partial(starts.starts, rounds=options.starts)))
    if "crowd" in parts:
        # Imported late: it brings the whole product.
        from bench.ours import crowd

        more = {"votes": options.votes, "seconds": options.seconds}
        for database in options.databases:
            found.append(
                (f"a crowd on {database}", partial(crowd.crowd, database=database, **more))
            )
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    for name, default, what in (
        ("rounds", 25, "rounds in lockstep"),
        ("clicks", 25, "clicks on each build and database"),
        ("votes", 128, "votes of a block"),
        ("starts", 10, "starts of each build"),
        ("seconds", 10, "how long late votes are cast"),
    ):
        default = int(os.environ.get(name.upper(), default))
        what = f"{what} [{name.upper()}, {default}]"
        parser.add_argument(f"--{name}", type=int, default=default, help=what)
    add = parser.add_argument
    for name, known in (("parts", PARTS), ("databases", DATABASES)):
        given = os.environ.get(name.upper(), ",".join(known))
        what = f"only these, by commas [{name.upper()}]: {', '.join(known)}"
        add(f"--{name}", type=partial(_some_of, known), default=given, help=what)
    add("--output", type=Path, default=RESULTS, help="where the results go")
    return parser


def _some_of(known: Sequence[str], names: str) -> list[str]:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in chosen if name not in known]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}")
    return chosen


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
