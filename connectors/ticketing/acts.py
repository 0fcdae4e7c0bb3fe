"""Acts in the tickets of one system as they are on record: whose, by which key, why one is refused.

A key counts once, so reading the same act again changes nothing.
"""

from __future__ import annotations

import structlog

from countersign.approvals.approvals import Approvals
from countersign.approvals.forms.systems import identity_kind
from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.models import Actor, Delivery, Via
from countersign.approvals.ports import Directory, Store
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.tickets import ActKey, RecordedAct, TicketAct
from countersign.connectors.receiving import REASON_LIMIT
from countersign.connectors.ticketing.kept import ticket_of

log = structlog.get_logger(__name__)

CALL = "#call:"
"""Stands between the id of an act and the number of the call of which it is kept, in a ticket of
several calls."""
ACTS_MAX = 40
"""Acts in one ticket that are answered. Two programs could move a ticket back and forth for ever;
after this many we do not: what is right still counts, and nobody is told in the ticket."""


class TicketActs:
    """What was recorded of acts, and refusing one."""

    def __init__(self, name: str, store: Store, approvals: Approvals, directory: Directory):
        self._name, self._store = name, store
        self._approvals, self._directory = approvals, directory

    async def recorded(self, delivery: Delivery) -> list[RecordedAct]:
        """What was recorded of this ticket, whether it counted or not."""
        ref = ticket_of(delivery)
        return await self._store.read(lambda c: ticket_rows.acts_of(c, self._name, ref.id))

    async def too_many(self, delivery: Delivery) -> bool:
        """Whether so much was done in this ticket that it is not answered any more."""
        return len({base_of(r.key.act_id) for r in await self.recorded(delivery)}) > ACTS_MAX

    async def owed(self, delivery: Delivery) -> list[RecordedAct]:
        """Acts that do not count, of which the ticket has not been told to the end."""
        return [r for r in await self.recorded(delivery) if r.reason and not r.answered]

    async def refuse(self, delivery: Delivery, act: TicketAct, reason: str) -> None:
        """Record, on the ledger and for operators, why an act does not count."""
        key, reason = self.key(delivery, act), cut(reason, REASON_LIMIT)
        await self._approvals.refuse(delivery.request_id, self.actor(act), reason, act=key)
        await self.show_operators(delivery, act, reason)

    async def pass_over(self, delivery: Delivery, act: TicketAct, reason: str = "") -> None:
        """Know the act from now on; with a `reason` the ticket is told it."""
        key, said = self.key(delivery, act), cut(reason, REASON_LIMIT)
        await self._store.write(
            lambda c: ticket_rows.record_act(c, key, delivery.request_id, said, act.at)
        )

    async def show_operators(self, delivery: Delivery, act: TicketAct, reason: str) -> None:
        """Say at the delivery, and in the log, why an act does not count."""
        ref = ticket_of(delivery)
        said = visible(
            f"{ref.key}: set to {act.state_name or act.state} by {self._name}:{act.actor}, which "
            f"does not count: {reason}"
        )
        log.warning(
            "ticket answer refused",
            request_id=delivery.request_id,
            ticket=ref.key,
            by=act.actor,
            reason=reason,
        )
        await self._store.write(lambda c: delivery_rows.record(c, delivery.id, error=said[:1000]))

    def actor(self, act: TicketAct) -> Actor:
        """Who acted, as the system recorded it."""
        kind = identity_kind(self._name) or self._name
        principal = None if act.actor is None else self._directory.by_identity(kind, act.actor)
        return Actor(principal=principal, via=Via(self._name), identity=f"{self._name}:{act.actor}")

    def key(self, delivery: Delivery, act: TicketAct) -> ActKey:
        """By which the act counts once."""
        ref = ticket_of(delivery)
        return ActKey(channel=self._name, ticket_id=ref.id, act_id=act.id)


def of_call(act: TicketAct, number: int) -> TicketAct:
    """The act, as it is kept of one call of a ticket of several."""
    return act.model_copy(update={"id": f"{act.id}{CALL}{number}"})


def base_of(act_id: str) -> str:
    """The system's own id of an act, of whichever call it is kept."""
    return act_id.partition(CALL)[0]


def number_of(act_id: str) -> int | None:
    """The call of which an act is kept; None where it is kept of the ticket as a whole."""
    number = act_id.partition(CALL)[2]
    return int(number) if number else None
