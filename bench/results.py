"""What was measured, and the file in which the parts of it come together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine
from bench.launch import ROOT

RESULTS = ROOT / "bench" / "results.json"
Row = dict[str, Any]
LISTS = ("rows", "service", "load", "soak", "missing")


@dataclass
class Results:
    """The figures of one run. `missing` says why there are none, or not all, of a contender."""

    rows: list[Row] = field(default_factory=list)
    """Pause and resume, of every contender and round."""
    service: list[Row] = field(default_factory=list)
    """Votes, recovery and tickets of ours alone."""
    load: list[Row] = field(default_factory=list)
    """The product under load, this build and the one before, of every round."""
    soak: list[Row] = field(default_factory=list)
    """Each long run, with its samples."""
    missing: list[Row] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    machine: Row = field(default_factory=machine.describe)

    def take(self, figures: Row) -> Row:
        """The figures of a leg without the versions, which are kept once."""
        self.versions.update(figures.pop("versions", {}))
        return figures

    def lacks(self, peer: str, reason: object, **more: Any) -> None:
        """Note that something could not be measured."""
        self.missing.append({"peer": peer, **more, "reason": str(reason)})


def read(path: Path) -> Row:
    """What the last runs have written; empty lists where there is nothing."""
    found: Row = json.loads(path.read_text()) if path.exists() else {}
    return {**{name: [] for name in LISTS}, "versions": {}, "machine": {}, "measured": {}, **found}


def merge(path: Path, part: str, results: Results, *lists: str) -> Row:
    """Write a run's lists over the same lists of an earlier one, and keep the others."""
    values = read(path)
    for name in lists:
        values[name] = getattr(results, name)
    kept = [gap for gap in values["missing"] if gap.get("part", part) != part]
    values["missing"] = kept + [{"part": part, **gap} for gap in results.missing]
    values["versions"] |= results.versions
    values["machine"] = results.machine
    values["measured"][part] = {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "load_before": results.machine["load_before"],
    }
    path.write_text(json.dumps(values, indent=1) + "\n")
    return values
