"""Each suite is run once for every implementation of its port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.testing.suites import ticket_system as ticket_systems
from tests.contracts import tickets
from tests.contracts.stores import IMPLEMENTATIONS, Implementation


@pytest.fixture(params=IMPLEMENTATIONS, ids=lambda implementation: implementation.name)
def implementation(request: pytest.FixtureRequest) -> Implementation:
    """How to open the store under test."""
    chosen: Implementation = request.param
    return chosen


@pytest_asyncio.fixture
async def store(implementation: Implementation, tmp_path: Path) -> AsyncIterator[Any]:
    """An open store without rows."""
    async with implementation.open(tmp_path) as store:
        yield store


@pytest_asyncio.fixture(params=tickets.IMPLEMENTATIONS, ids=lambda one: one.name)
async def outside(request: pytest.FixtureRequest) -> AsyncIterator[ticket_systems.Outside]:
    """A ticket system without tickets, with the connector under test."""
    chosen: ticket_systems.Implementation = request.param
    async with chosen.open() as opened:
        yield opened
