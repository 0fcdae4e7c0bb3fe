"""Every memory of conversations: the one on the store, on both databases, and the one of places
where nobody can write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from countersign.approvals.ports import Conversations
from countersign.bot.no_database import NoConversations
from countersign.testing.suites.conversations import *  # noqa: F403
from tests.doubles.world import opened

Open = Callable[[Path], AbstractAsyncContextManager[Conversations]]


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Conversations]:
    async with opened(folder) as world:
        yield world.conversations


@asynccontextmanager
async def postgresql(folder: Path) -> AsyncIterator[Conversations]:
    async with opened(folder, database="postgresql") as world:
        yield world.conversations


@asynccontextmanager
async def nobody(_: Path) -> AsyncIterator[Conversations]:
    yield NoConversations()


@pytest.fixture(params=[sqlite, postgresql, nobody], ids=lambda one: one.__name__)
def chosen(request: pytest.FixtureRequest) -> Open:
    found: Open = request.param
    return found


@pytest_asyncio.fixture
async def conversations(chosen: Open, tmp_path: Path) -> AsyncIterator[Conversations]:
    async with chosen(tmp_path) as opened:
        yield opened


@pytest.fixture
def keeps(chosen: Open) -> bool:
    return chosen is not nobody
