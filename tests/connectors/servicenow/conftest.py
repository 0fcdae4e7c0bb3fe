"""A running instance with our connector on it, and orders for tickets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from countersign.sandbox.servicenow.server import ServiceNow
from tests.connectors.servicenow.office import Office
from tests.contracts.orders import Orders, orders_in


@pytest_asyncio.fixture
async def office() -> AsyncIterator[Office]:
    """The instance, its people, and connectors that are closed in the end."""
    async with ServiceNow.start() as snow:
        office = Office(snow)
        try:
            yield office
        finally:
            await office.leave()


@pytest_asyncio.fixture
async def orders(office: Office, tmp_path: Path) -> AsyncIterator[Orders]:
    """Orders that Alex (Ben) and Sam (Cara) are asked about."""
    async with orders_in(tmp_path, office) as made:
        yield made
