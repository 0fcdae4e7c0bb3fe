"""Opening tickets: two steps with a note in between.

What we are about to ask for is written down before we ask, so that whoever comes after a crash or a
lost answer looks for the ticket, and waits until the system's index must have seen it, before
asking again.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import Connection

from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    NoRecipientError,
    NotFoundError,
    UnansweredError,
)
from countersign.approvals.models import Delivery
from countersign.approvals.ports import (
    Clock,
    Directory,
    RequestView,
    Store,
    TicketConnector,
    TicketOrder,
)
from countersign.approvals.rules.approvers import all_asked, approvers
from countersign.approvals.rules.segregation import keeps_out
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.tickets import FoundTicket, TicketOutcome, TicketRef, order_key
from countersign.connectors.ticketing.kept import calls_in

log = structlog.get_logger(__name__)


class Opening:
    """Opens the tickets of one system, each once."""

    def __init__(
        self, connector: TicketConnector, store: Store, clock: Clock, directory: Directory
    ):
        self._connector, self._store = connector, store
        self._clock, self._directory = clock, directory
        self._name = connector.name

    def order(self, delivery: Delivery, view: RequestView) -> TicketOrder:
        """What is asked for. Raises NoRecipientError if nobody could answer it there."""
        request = view.request
        now = self._clock.now()
        everybody = people_for(self._directory.people().at(now), request, view.session)
        stages = [request.stages[number] for number in request.open_stages]
        asked = {person.id: person for each in stages for person in all_asked(everybody, each)}
        known = [person for person in asked.values() if person.identities.get(self._name)]
        people = [
            person
            for person in known
            if person.id != request.requester
            and keeps_out(everybody, person, request.stages) is None
        ]
        if not people:
            raise NoRecipientError(
                f"Nobody with {approvers(stages)} has a {self._name} identity; add "
                f"`identities: {{{self._name}: …}}` to one of them in `people`."
            )
        calls = calls_in(delivery, view)
        first, names = (calls[0], delivery.calls or view.calls) if calls else (request, "")
        by_id = tuple(sorted(people, key=lambda person: person.id))
        key = order_key(first.id, delivery.target, names)
        return TicketOrder(key=key, view=view, approvers=by_id, calls=calls)

    async def adopted(self, delivery: Delivery, order: TicketOrder) -> TicketRef | None:
        """The first ticket that we have made for this order; later ones are closed."""
        ours = [found for found in await self._connector.find(order.key) if found.ours]
        for number, found in enumerate(ours):
            try:
                ref = await self._connector.adopt(order, found.ref)
            except NotFoundError:  # the index still lists what is gone
                continue
            for surplus in ours[number + 1 :]:
                await close_duplicate(self._connector, surplus, ref)
            log.info("ticket found again", delivery_id=delivery.id, ticket=ref.key)
            return ref
        return None

    async def opened(self, delivery: Delivery, order: TicketOrder) -> TicketRef:
        """A new ticket. Raises as `TicketConnector.open_ticket`."""
        await self._intend(delivery, order, begun=True)
        try:
            return await self._connector.open_ticket(order)
        except UnansweredError:
            raise
        except CountersignError:
            await self._intend(delivery, order, begun=False)
            raise

    async def _intend(self, delivery: Delivery, order: TicketOrder, *, begun: bool) -> None:
        """Write down that it is about to be asked for, beside each call of it: whichever is tried
        next has to look for it."""
        at = codec.to_text(self._clock.now()) if begun else None

        def write(connection: Connection) -> None:
            beside = delivery_rows.of_requests(connection, [each.id for each in order.calls])
            for each in beside:
                same = (each.channel, each.target) == (delivery.channel, delivery.target)
                if same and each.reference is None and each.id != delivery.id:
                    delivery_rows.record(connection, each.id, doubt_at=at)
            delivery_rows.record(connection, delivery.id, doubt_at=at)

        await self._store.write(write)

    def require_indexed(self, delivery: Delivery) -> None:
        """Raise BusyError while an earlier attempt's ticket may still turn up: nothing has failed,
        so the wait does not grow."""
        if delivery.doubt_at is None:
            return
        indexed_at = delivery.doubt_at + timedelta(seconds=self._connector.index_lag_s)
        wait_s = (indexed_at - self._clock.now()).total_seconds()
        if wait_s > 0:
            raise BusyError(
                f"{self._name} did not say whether it made the ticket; looking for it before "
                "asking again.",
                retry_after_s=min(wait_s, 5.0),
            )


async def close_duplicate(connector: TicketConnector, surplus: FoundTicket, ref: TicketRef) -> None:
    """Close a second ticket for one order, and say which one counts."""
    text = f"This is the same as {ref.key}, which counts. This one needs no answer."
    try:
        await connector.close(surplus.ref, TicketOutcome.DUPLICATE, text)
    except NotFoundError:
        return
    log.warning("duplicate ticket closed", ticket=surplus.ref.key, counts=ref.key)
