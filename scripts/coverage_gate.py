"""Fail when a package's branch coverage is below its threshold.

Reads the JSON report that `tests/covered.py` writes. The thresholds are here and nowhere else.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

# Percent of statements and branches together, per top-level package.
THRESHOLDS = {
    "approvals": 100.0,  # decides whether a tool runs: every branch has a test
    "agents": 90.0,
    "bot": 90.0,
    "connectors": 90.0,
    "examples": 90.0,
    # its programs and `make run` are tested as processes of their own, which are not counted
    "sandbox": 80.0,
    "testing": 80.0,  # its fixtures likewise, in a project of its own
}


def percent_by_package(report: dict[str, Any]) -> dict[str, float]:
    """Covered statements and branches of each top-level package, in percent."""
    covered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for file, entry in report["files"].items():
        package, summary = Path(file).parts[0], entry["summary"]
        covered[package] += summary["covered_lines"] + summary["covered_branches"]
        missing = summary["missing_lines"] + summary["missing_branches"]
        total[package] += summary["covered_lines"] + summary["covered_branches"] + missing
    return {name: 100 * covered[name] / total[name] for name in total if total[name]}


def gaps(report: dict[str, Any], package: str) -> list[str]:
    """The files of a package with something uncovered: `file  lines 3, 8  branches 4->6`."""
    found = []
    for file, entry in sorted(report["files"].items()):
        lines = ", ".join(map(str, entry["missing_lines"]))
        branches = ", ".join(f"{a}->{b}" for a, b in entry["missing_branches"])
        if Path(file).parts[0] == package and (lines or branches):
            found.append(f"  {file}  lines {lines or '-'}  branches {branches or '-'}")
    return found


def main(path: str) -> int:
    """Print one line per package, what is missing below a threshold, and give the exit code."""
    report = json.loads(Path(path).read_text())
    below = False
    for package, percent in sorted(percent_by_package(report).items()):
        threshold = THRESHOLDS.get(package, 90.0)
        ok = percent >= threshold
        print(f"{package:<12} {percent:6.2f} %  of {threshold:g} %  {'ok' if ok else 'TOO LOW'}")
        if not ok:
            below = True
            print("\n".join(gaps(report, package)))
    return int(below)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
