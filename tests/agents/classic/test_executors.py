"""Code executors are guarded with each chat that is built, whatever other threads import then."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import autogen.coding
import pytest

from countersign.agents.classic.entries import guard_executors


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Something is imported whenever garbage is collected, as by another thread."""
    made: list[str] = []

    def importer(phase: str, _info: Any) -> None:
        if phase == "stop":
            made.append(f"imported_meanwhile_{len(made)}")
            monkeypatch.setitem(sys.modules, made[-1], ModuleType(made[-1]))
            monkeypatch.setattr(autogen.coding, made[-1], sys.modules[made[-1]], raising=False)

    before = gc.get_threshold()
    gc.callbacks.append(importer)
    gc.set_threshold(1)
    try:
        yield made
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(importer)


def test_an_import_meanwhile_ends_no_session(importing: list[str]) -> None:
    """Chats are built in threads, and so are modules."""
    guard_executors()

    assert importing
