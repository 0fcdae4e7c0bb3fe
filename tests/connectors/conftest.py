"""A world with a ticket system for every test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.connectors.desk_world import DeskWorld, desk_world


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DeskWorld]:
    """Teams and Jira, both open, on each database."""
    async with desk_world(tmp_path, database=request.param) as world:
        yield world
