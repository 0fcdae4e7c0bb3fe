"""Orders for tickets, from real requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from countersign.approvals.models import Principal
from countersign.approvals.ports import TicketOrder
from countersign.approvals.tickets import TicketRef, order_key, target_of
from countersign.testing.suites.ticket_system import Outside, Who
from tests.doubles.directory import BEN, CARA
from tests.doubles.world import World, opened


class Orders:
    """New requests, to be asked of Ben and Cara in the system under test."""

    def __init__(self, world: World, outside: Outside):
        self._world, self._outside = world, outside

    async def new(self, arguments: dict[str, Any] | None = None) -> TicketOrder:
        """A new request for a quote, as an order."""
        run = await self._world.begun()
        (request,) = await self._world.submit(
            run, self._world.proposal(run.session.id, "quote", arguments)
        )
        return TicketOrder(
            key=order_key(request.id, target_of(request)),
            view=await self._world.records.view(request.id),
            approvers=(self._known(BEN, Who.BEN), self._known(CARA, Who.CARA)),
        )

    async def ticket(self) -> TicketRef:
        """A ticket for a new request."""
        return await self._outside.connector.open_ticket(await self.new())

    def _known(self, person: Principal, who: Who) -> Principal:
        identity = {self._outside.connector.name: self._outside.people[who]}
        return person.model_copy(update={"identities": {**person.identities, **identity}})


@asynccontextmanager
async def orders_in(folder: Path, outside: Outside) -> AsyncIterator[Orders]:
    """Requests in a database in `folder`."""
    async with opened(folder) as world:
        yield Orders(world, outside)
