"""Each suite is run once for every implementation of its port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

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
