"""A world with a ticket system for every test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.connectors.desk_world import DeskWorld, desk_world


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[DeskWorld]:
    """Teams and Jira, both open."""
    async with desk_world(tmp_path) as world:
        yield world
