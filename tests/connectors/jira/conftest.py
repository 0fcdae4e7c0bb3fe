"""A running site with our connector on it, and orders for tickets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from countersign.sandbox.jira.server import Jira
from tests.connectors.jira.site import JiraSite
from tests.contracts.orders import Orders, orders_in


@pytest_asyncio.fixture
async def site() -> AsyncIterator[JiraSite]:
    """Jira Cloud, its people, and connectors that are closed in the end."""
    async with Jira.start() as jira:
        site = JiraSite(jira)
        try:
            yield site
        finally:
            await site.leave()


@pytest_asyncio.fixture
async def data_center() -> AsyncIterator[JiraSite]:
    """The same on Data Center."""
    async with Jira.start(deployment="Server") as jira:
        site = JiraSite(jira)
        try:
            yield site
        finally:
            await site.leave()


@pytest_asyncio.fixture
async def orders(site: JiraSite, tmp_path: Path) -> AsyncIterator[Orders]:
    """Orders that Alex (Ben) and Sam (Cara) are asked about."""
    async with orders_in(tmp_path, site) as made:
        yield made
