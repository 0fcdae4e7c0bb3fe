"""`make bench-docs`: put the tables of bench/results.json into the documents, between their marks.

A mark is a comment: `<!-- bench NAME -->` to `<!-- /bench -->`. What has not been measured keeps
the text that stands there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench import goals, table
from bench.launch import ROOT
from bench.load import table as load_table
from bench.results import RESULTS, read
from bench.soak import table as soak_table

DOCUMENTS = (ROOT / "docs" / "benchmark.md", ROOT / "docs" / "guarantees.md")
_MARKED = re.compile(r"(<!-- bench ([a-z-]+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


def main() -> int:
    """Returns the exit status: 1 if nothing has been measured."""
    values = read(RESULTS)
    found = tables(values)
    if not found:
        sys.stderr.write(
            f"{RESULTS} has no figures: run make bench-peers, bench-load, bench-soak\n"
        )
        return 1
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text(), found))
        sys.stdout.write(f"{document}: {', '.join(names(document.read_text()))}\n")
    return 0


def tables(values: Mapping[str, Any]) -> dict[str, str]:
    """Every table of the results, by the name of its mark."""
    found = {**table.tables(values), **load_table.tables(values), **soak_table.tables(values)}
    if found:
        found["measured"] = _measured(values)
    if any(goals.lines(values)):
        found["missed"] = _missed(values)
    return found


def filled(text: str, found: Mapping[str, str]) -> str:
    """The text with every table that was found between its marks."""

    def put(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        return f"{begin}\n{found[name]}\n\n{end}" if name in found else match[0]

    return _MARKED.sub(put, text)


def names(text: str) -> Sequence[str]:
    """The names of the marks in a text."""
    return [match[2] for match in _MARKED.finditer(text)]


def _measured(values: Mapping[str, Any]) -> str:
    machine = values["machine"]
    when = ", ".join(
        f"{part} on {about['at'][:10]} (load before: {about['load_before'][0]:g})"
        for part, about in values["measured"].items()
    )
    return (
        f"Measured: {when}; {machine['cpus']} cores of {machine['cpu']}, "
        f"{machine['memory_mb']:,} MB, {machine['system']} {machine['release']}, "
        f"Python {machine['python']}, SQLite {machine['sqlite']}."
    )


def _missed(values: Mapping[str, Any]) -> str:
    verdicts = [line[4] for line in goals.lines(values)]
    missed = sum(verdict != "reached" for verdict in verdicts)
    told = f"{len(verdicts) - missed} of {len(goals.GOALS)} goals are reached, {missed} are missed"
    unmeasured = len(goals.GOALS) - len(verdicts)
    return f"{told}, {unmeasured} were not measured." if unmeasured else f"{told}."


if __name__ == "__main__":
    sys.exit(main())
