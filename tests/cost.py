"""Which tests are worth their time in the short loop: what `--quick` leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
EVERY_CASE = {"approvals", "contracts"}
"""Folders whose cases all run there."""
LONG = {"bench", "sandbox", "scenarios", "security"}
"""Folders that `--quick` leaves out: whole programs, what stands in for others, trying very many
inputs."""
LONG_FILES = {
    # many inputs
    *("test_columns.py", "test_machine.py", "test_shown.py", "test_waiting.py"),
    *("test_canonical_text.py", "test_histories.py", "test_kept.py", "test_properties.py"),
    *("test_property.py", "test_strict_json.py"),
    # what needs PostgreSQL, and whole databases
    *("test_copying.py", "test_engine.py", "test_migrations.py", "test_postgres.py"),
    "test_procrastinate.py",
    # programs of their own, and the whole application
    *("test_app.py", "test_cli.py", "test_imports.py", "test_serving.py"),
    *("test_notaries.py", "test_publishing_to_people.py"),
    *("test_cached_replies.py", "test_crash.py", "test_death.py", "test_whole_application.py"),
    *("test_it_change.py", "test_it_change_trouble.py"),
    *("test_hostile_tickets.py", "test_polling.py"),
    "test_many.py",
}
SHORT_FILES = {"test_main_job.py"}
"""Of the long folders, what is worth its time: the main job, whole."""

NO_AUTOGEN = {
    *("test_crash.py", "test_lease_keeper.py", "test_time_limits.py", "test_validators_wait.py"),
    *("test_kept.py", "test_property.py"),
}
"""Of the agents' tests, those of the gate, the session manager and of arguments, which know no
framework (`agents` in pyproject.toml): another AutoGen beneath them proves nothing more."""


def cases(items: Iterable[pytest.Item]) -> Iterator[tuple[pytest.Item, str, int]]:
    """Each test with its folder and which case of it this is, from 1; outside `EVERY_CASE`."""
    seen: Counter[str] = Counter()
    for item in items:
        folder, *_ = item.path.relative_to(ROOT).parts
        name = item.nodeid.partition("[")[0]
        seen[name] += 1
        yield item, folder, 1 if folder in EVERY_CASE else seen[name]


def long(path: Path) -> bool:
    """Whether `--quick` leaves out this file, and does not even import it."""
    parts = path.relative_to(ROOT).parts if path.is_relative_to(ROOT) else ()
    if not parts or parts[-1] in SHORT_FILES or not parts[-1].endswith(".py"):
        return False
    return parts[-1] in LONG_FILES or (parts[0] in LONG and parts[-1].startswith("test_"))


def without_autogen(path: Path) -> bool:
    """Whether this file is the same on each AutoGen."""
    parts = path.relative_to(ROOT).parts if path.is_relative_to(ROOT) else ()
    return len(parts) > 1 and parts[0] == "agents" and parts[-1] in NO_AUTOGEN


def quick(item: pytest.Item) -> bool:
    """Whether the first case of it runs in `make test-fast`: on SQLite, and not long."""
    return not long(item.path) and "postgresql" not in item.nodeid.partition("[")[2]


def in_memory_too(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Those on SQLite that are there once more, the same but for a store in memory."""
    return _there_too(items, "sqlite", "fake")


def stored_too(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Those with a store in memory that are there once more, the same but on SQLite."""
    return _there_too(items, "fake", "sqlite")


def _there_too(items: Iterable[pytest.Item], store: str, other: str) -> set[pytest.Item]:
    """Cases of the fixture `office` of the agents' tests."""
    known = {item.nodeid: item for item in items}
    return {
        item
        for name, item in known.items()
        if isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and item.callspec.params.get("office") == store
        and name.replace(store, other) in known
    }
