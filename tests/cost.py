"""Which tests are worth their time in the short loop: what `--quick` leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
EVERY_CASE = {"approvals", "contracts"}
"""Folders whose cases all run there."""
LONG = {"bench", "security"}
"""Folders that `--quick` leaves out: whole programs, and trying very many inputs."""
LONG_FILES = {
    "test_columns.py",
    "test_crash.py",
    "test_demo.py",
    "test_hostile_tickets.py",
    "test_machine.py",
    "test_out_of_reach.py",
    "test_readme.py",
    "test_sandbox_alone.py",
    "test_sandbox_servicenow_alone.py",
    "test_stale.py",
}


def cases(items: Iterable[pytest.Item]) -> Iterator[tuple[pytest.Item, str, int]]:
    """Each test with its folder and which case of it this is, from 1; outside `EVERY_CASE`."""
    seen: Counter[str] = Counter()
    for item in items:
        folder, *_ = item.path.relative_to(ROOT).parts
        name = item.nodeid.partition("[")[0]
        seen[name] += 1
        yield item, folder, 1 if folder in EVERY_CASE else seen[name]


def long(path: Path) -> bool:
    """Whether `--quick` leaves out this file or folder, and does not even import it."""
    parts = path.relative_to(ROOT).parts if path.is_relative_to(ROOT) else ()
    return bool(parts) and (parts[0] in LONG or parts[-1] in LONG_FILES)


def quick(item: pytest.Item) -> bool:
    """Whether the first case of it runs in `make test-fast`: on SQLite, and not long."""
    return not long(item.path) and "postgresql" not in item.nodeid.partition("[")[2]


def in_memory_too(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Those on SQLite that are there once more, the same but for a store in memory."""
    known = {item.nodeid: item for item in items}
    return {item for name, item in known.items() if "sqlite" in name and _in_memory(name) in known}


def _in_memory(name: str) -> str:
    return name.replace("sqlite", "fake")
