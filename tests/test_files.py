"""Files are as short as CONTRIBUTING.md says, and `scripts/mutate.py` finds its lines in them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCTION = ("agents", "approvals", "bot", "connectors", "examples", "sandbox", "testing")
FLAT = {"approvals": 13, "bot": 12}
"""Modules that may lie in the folder itself: what is more belongs into rooms of its own."""
LINES = 300
"""At most; most files have a third of that. What is longer has two ideas."""


def test_no_file_is_longer_than_it_can_be_read_at_once() -> None:
    files = [file for folder in PRODUCTION for file in (ROOT / folder).rglob("*.py")]
    long = {
        str(file.relative_to(ROOT)): lines
        for file in files
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > LINES
    }

    assert len(files) > len(PRODUCTION)
    assert {} == long


def test_no_folder_is_a_heap() -> None:
    flat = {
        folder: sum(file.name != "__init__.py" for file in (ROOT / folder).glob("*.py"))
        for folder in FLAT
    }

    assert {} == {folder: count for folder, count in flat.items() if count > FLAT[folder]}


def test_each_line_that_is_broken_to_try_the_tests_is_there_once() -> None:
    spec = importlib.util.spec_from_file_location("mutate", ROOT / "scripts" / "mutate.py")
    assert spec is not None
    assert spec.loader is not None
    mutate = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(mutate)
    finally:
        del sys.modules[spec.name]
    found = {
        mutation.name: (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.line)
        for mutation in mutate.MUTATIONS
    }
    tests = {test for mutation in mutate.MUTATIONS for test in mutation.tests.split()}

    assert {} == {name: times for name, times in found.items() if times != 1}
    assert [] == [test for test in sorted(tests) if not (ROOT / test).exists()]
