"""The slowest tests of a run: slowest.py JUNIT_XML...; ten lines, seconds and stage before each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

SHOWN = 10


def timed(path: Path) -> Iterator[tuple[float, str]]:
    """Every test of a report: seconds, and what it is."""
    for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314 - pytest has written it
        name = f"{path.stem:<11}{case.get('classname')}::{case.get('name')}"
        yield float(case.get("time") or 0), name


def main(paths: list[str]) -> None:
    """Print them, the slowest first."""
    tests = sorted((one for path in paths for one in timed(Path(path))), reverse=True)
    print(f"Slowest {min(SHOWN, len(tests))} of {len(tests)} tests, seconds:")
    for seconds, name in tests[:SHOWN]:
        print(f"{seconds:8.1f}  {name}")


if __name__ == "__main__":
    main([path for path in sys.argv[1:] if Path(path).exists()])
