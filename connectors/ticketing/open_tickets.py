"""Open tickets of one system: those in which somebody can still decide, however many there are.

They are looked up by what was read, or walked through in pages, and never all in memory.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from countersign.approvals.models import Delivery, DeliveryId
from countersign.approvals.ports import Store
from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import TicketRef
from countersign.connectors.ticketing.kept import ticket_of

AT_ONCE = 500
"""Ids in one query."""
PAGE = 2_000
"""Tickets that are read in one step; others use the store between two of them."""


class OpenTickets:
    """Open tickets of one system."""

    def __init__(self, store: Store, channel: str):
        self._store, self._channel = store, channel

    async def among(self, ticket_ids: Sequence[str]) -> list[Delivery]:
        """Those of these ids; of a ticket of several calls the delivery of one of them."""

        def unit(connection: Connection) -> list[Delivery]:
            steps = range(0, len(ticket_ids), AT_ONCE)
            some = (ticket_ids[at : at + AT_ONCE] for at in steps)
            found = (d for ids in some for d in rows.awaited(connection, self._channel, ids))
            return list({delivery.ticket_id: delivery for delivery in found}.values())

        return await self._store.read(unit)

    async def refs(self, ticket_ids: Sequence[str]) -> list[TicketRef]:
        """See `approvals.ports.KnownTickets`."""
        return [ticket_of(delivery) for delivery in await self.among(ticket_ids)]

    async def missing(self, seen: Collection[str], *, limit: int) -> list[DeliveryId]:
        """Some of those that are not among `seen`, at most `limit`, chosen by lot."""
        chosen, counted, last, before = list[DeliveryId](), 0, "", ""
        while True:
            after = last
            page = await self._store.read(
                lambda c, after=after: rows.awaited_after(c, self._channel, after, limit=PAGE)  # type: ignore[misc]
            )
            for ticket_id, delivery_id in page:
                if ticket_id in seen or ticket_id == before:
                    continue
                before = ticket_id  # of several calls there are several, one behind the other
                counted += 1
                # Each of those counted so far is among the chosen with the same probability.
                if len(chosen) < limit:
                    chosen.append(delivery_id)
                elif (at := random.randrange(counted)) < limit:  # noqa: S311 - no secret
                    chosen[at] = delivery_id
            if len(page) < PAGE:
                return chosen
            last = page[-1][0]
