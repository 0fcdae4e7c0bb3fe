"""Warnings of AutoGen's own modules are not ours to fix; everything else stays an error."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["fake", "sqlite"])
def office(request: pytest.FixtureRequest) -> str:
    """The store a test runs on: the fake in memory, and the real one."""
    return str(request.param)
