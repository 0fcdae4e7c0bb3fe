"""One PostgreSQL database for each test of jobs, and a process on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
import pytest_asyncio

from tests.doubles import postgres
from tests.doubles.jobs_at_work import sharing
from tests.doubles.world import World


@pytest.fixture
def url() -> Iterator[str]:
    """A database without rows, on which nobody has swept yet."""
    url = postgres.borrow()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE job_engine SET swept_at = 'epoch'")
    yield url
    postgres.give_back(url)


@pytest_asyncio.fixture
async def world(url: str) -> AsyncIterator[World]:
    """One process, not yet at work."""
    async with sharing(url) as world:
        yield world
