"""A workspace that runs, our connector on it, and a task in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from countersign.approvals.tickets import Observation, TicketRef, TicketRefusal, TicketVote
from countersign.sandbox.asana.desk import AsanaDesk
from countersign.sandbox.asana.server import Asana
from countersign.testing.suites.ticket_orders import Orders
from tests.contracts.tickets_asana import InAsana


class AsanaWorld:
    """What a test looks at."""

    def __init__(self, asana: Asana, outside: InAsana):
        self.asana, self.outside, self.connector = asana, outside, outside.connector
        self.desk, self.orders = AsanaDesk(asana), Orders(outside)

    async def seen(self, ref: TicketRef) -> Observation:
        """What the connector reads in the task."""
        found = await self.connector.fetch_one(ref)
        assert found is not None
        return found

    async def meant(self, ref: TicketRef) -> list[str]:
        """The verdicts in it, and why what looks like one is none."""
        found = self.connector.decide(await self.seen(ref))
        return [
            str(each.verdict) if isinstance(each, TicketVote) else each.reason
            for each in found
            if isinstance(each, TicketVote | TicketRefusal)
        ]


@asynccontextmanager
async def in_asana() -> AsyncIterator[AsanaWorld]:
    """It, without tasks."""
    async with Asana.start() as asana:
        outside = InAsana(asana)
        try:
            yield AsanaWorld(asana, outside)
        finally:
            await outside.connector.close_client()
