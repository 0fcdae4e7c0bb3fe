"""What was there before any session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.hostile import elsewhere


@pytest.fixture(scope="session", autouse=True)
def threads_of_before() -> Iterator[None]:
    """Threads that wait for work, in the process that runs the tests."""
    elsewhere.begin()
    yield
    elsewhere.end()
