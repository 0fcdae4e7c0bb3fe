"""Repairs: tickets that are gone, and tickets that we do not know, each on the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.errors import CountersignError, NotFoundError
from countersign.approvals.models import Delivery, DeliveryStatus, JsonObject
from countersign.approvals.ports import Clock, Moment, Store, TicketConnector, Unit
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import tickets as rows
from countersign.approvals.tickets import (
    ActKey,
    FoundTicket,
    Observation,
    TicketRef,
    request_of,
    target_in,
)
from countersign.connectors.ticketing.acts import CALL
from countersign.connectors.ticketing.kept import Member, members, ticket_of
from countersign.connectors.ticketing.opening import close_duplicate
from countersign.connectors.ticketing.outcome import is_current

log = structlog.get_logger(__name__)

REOPENED_MAX = 3
"""Tickets for one order that may be deleted before somebody has to look into it."""
IMPOSTORS_MAX = 10
"""Tickets of somebody else's with the key of one order that are told one by one."""


class Repairs:
    """Repairs what people did to tickets beside answering them."""

    def __init__(self, store: Store, clock: Clock, approvals: Approvals, outbox: Outbox):
        self._store, self._clock = store, clock
        self._approvals, self._outbox = approvals, outbox

    async def lost(self, delivery: Delivery) -> None:
        """The ticket was deleted or hidden from us: what still waits in it does so in a new one."""
        ref = ticket_of(delivery)
        calls = await self._store.read(lambda c: members(c, delivery))
        for each in calls:
            act_id = f"{rows.LOST}{CALL}{each.number}" if each.number else rows.LOST
            key = ActKey(channel=delivery.channel, ticket_id=ref.id, act_id=act_id)
            body: JsonObject = {"channel": delivery.channel, "ticket": ref.key}
            await self._approvals.note(each.request.id, "ticket_lost", body, act=key)

        def work(unit: Unit) -> set[str]:
            request_rows.lock(unit, delivery.request_id)
            return {self._given_up_or_due(unit, each, ref) for each in calls}

        for said in sorted(await self._store.unit(work, Moment(self._clock.now()))):
            log.warning("ticket lost", request_id=delivery.request_id, ticket=ref.key, outcome=said)

    def _given_up_or_due(self, unit: Unit, call: Member, ref: TicketRef) -> str:
        """What becomes of a call whose ticket is gone, as a sentence."""
        delivery, connection = call.delivery, unit.connection
        request = request_rows.get(connection, delivery.request_id)
        current = delivery_rows.get(connection, delivery.id, lock=True)
        if current.ticket_id != ref.id:
            return "replaced already"
        if not is_current(delivery, request):
            said = f"{ref.key} is gone."
            status = DeliveryStatus.CLOSED.value
            delivery_rows.record(connection, delivery.id, status=status, error=said)
            return said
        if rows.count_lost(connection, delivery.channel, delivery.request_id) > REOPENED_MAX:
            said = (
                f"{ref.key} is gone, as were {REOPENED_MAX} tickets before it; no more are "
                "opened. Decide it elsewhere, and look into who deletes them."
            )
            status = DeliveryStatus.ABANDONED.value
            delivery_rows.record(connection, delivery.id, status=status, error=said)
            return said
        said = f"{ref.key} is gone (deleted, or hidden from us); another one is opened."
        delivery_rows.record(
            connection,
            delivery.id,
            status=DeliveryStatus.PENDING.value,
            reference=None,
            ticket_id=None,
            look_at=None,
            attempts=0,
            next_at=codec.to_text(unit.now),
            error=said,
        )
        self._outbox.redeliver(unit, [delivery.id])
        return said

    async def foreign(self, connector: TicketConnector, strangers: Sequence[Observation]) -> None:
        """Tickets that carry an order of ours and are not the one on record.

        Ours: it was made twice, and this one is closed. Somebody else's: nothing in it counts.
        Anybody can make thousands of them: an order is looked up once, however many carry its key.
        """
        groups: dict[str, list[Observation]] = defaultdict(list)
        for seen in strangers:
            groups[seen.order_key].append(seen)
        for order_key, group in groups.items():
            try:
                await self._carrying(connector, order_key, group)
            except CountersignError as exc:
                log.warning("tickets not looked into", order=order_key[:80], reason=str(exc))

    async def _carrying(
        self, connector: TicketConnector, order_key: str, group: Sequence[Observation]
    ) -> None:
        """Tickets of one order."""
        target, request_id = target_in(order_key), request_of(order_key)
        delivery = await self._store.read(
            lambda c: rows.by_key(c, connector.name, request_id, target)
        )
        if delivery is None or delivery.ticket_id is None:
            return  # another installation's, or on its way to being recorded
        known = await self._store.read(
            lambda c: rows.tickets_with(c, connector.name, request_id, rows.IMPOSTOR)
        )
        new = [seen for seen in group if seen.ref.id not in known | {delivery.ticket_id}]
        if not new or len(known) >= IMPOSTORS_MAX:
            return
        found = {f.ref.id: f for f in await connector.find(order_key)}
        impostors = []
        for seen in new:
            carrier = found.get(seen.ref.id)
            if carrier is not None and carrier.ours:
                await self._close(connector, carrier, delivery)
            elif carrier is not None:
                impostors.append(seen)
        for seen in impostors[: IMPOSTORS_MAX - len(known)]:
            await self._impostor(connector, delivery, seen)

    async def _impostor(
        self, connector: TicketConnector, delivery: Delivery, seen: Observation
    ) -> None:
        kept = ticket_of(delivery)
        key = ActKey(channel=connector.name, ticket_id=seen.ref.id, act_id=rows.IMPOSTOR)
        body: JsonObject = {
            "channel": connector.name,
            "ticket": seen.ref.key,
            "counts": kept.key,
        }
        if await self._approvals.note(delivery.request_id, "ticket_impostor", body, act=key):
            said = f"{seen.ref.key} carries the label of {kept.key}; nothing in it counts."
            log.warning("ticket of somebody else", ticket=seen.ref.key, counts=kept.key)
            await self._store.write(
                lambda c: delivery_rows.record(c, delivery.id, error=said[:1000])
            )

    async def _close(
        self, connector: TicketConnector, surplus: FoundTicket, delivery: Delivery
    ) -> None:
        with suppress(NotFoundError):
            await close_duplicate(connector, surplus, ticket_of(delivery))
