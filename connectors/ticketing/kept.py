"""Tickets on record: what deliveries keep of them, and which calls a ticket asks about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection

from countersign.approvals.errors import NotFoundError
from countersign.approvals.forms.together import named_by
from countersign.approvals.models import CALLS, DIGEST, Delivery, JsonObject, Request
from countersign.approvals.ports import RequestView, Unit
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.tickets import TicketRef

log = structlog.get_logger(__name__)


class Member(NamedTuple):
    """One call of those that a ticket asks about."""

    number: int
    """By which the ticket names it, from 1; 0 where it is the only one."""
    delivery: Delivery
    request: Request


def reference(ref: TicketRef, digest: str, calls: str = "") -> JsonObject:
    """What a delivery keeps of its ticket; `digest` is of the revision that the ticket shows,
    `calls` names all calls of a ticket of several."""
    return {
        "ticket": ref.id,
        "key": ref.key,
        "url": ref.url,
        "shown": ref.shown,
        "whole": ref.whole,
        DIGEST: digest,
        **({CALLS: calls} if calls else {}),
    }


def calls_in(delivery: Delivery, view: RequestView) -> tuple[Request, ...]:
    """The calls that the ticket of this delivery asks about, or will, in order; none of a ticket
    of one call."""
    found = named_by(delivery.calls or view.calls, [view.request, *view.siblings])
    return found if len(found) > 1 else ()


def members(connection: Connection, delivery: Delivery) -> list[Member]:
    """The calls that the ticket of this delivery asks about, as they are now, in order."""
    request = request_rows.get(connection, delivery.request_id)
    if not delivery.calls:
        return [Member(0, delivery, request)]
    ticket = ticket_of(delivery)
    known = ticket_rows.deliveries_in(connection, delivery.channel, ticket.id)
    shown = {each.request_id: each for each in known}
    batch = named_by(delivery.calls, request_rows.checkpoint_with(connection, request))
    return [
        Member(number, shown[each.id], each)
        for number, each in enumerate(batch, start=1)
        if each.id in shown
    ]


def keep_shown(unit: Unit, delivery: Delivery, ref: TicketRef) -> None:
    """Know the text that was written into the ticket again as ours: what else is open stands in it,
    so it may be another than before, and what is not ours keeps every answer from counting."""
    _keep(unit, delivery, ref, {"shown": ref.shown, "whole": ref.whole})


def keep_key(unit: Unit, delivery: Delivery, ref: TicketRef) -> Delivery:
    """The ticket was moved, and people call it otherwise now: the delivery as it is kept."""
    if _keep(unit, delivery, ref, {"key": ref.key, "url": ref.url}):
        log.info("ticket moved", ticket=ref.key, before=(delivery.reference or {}).get("key"))
    return delivery_rows.get(unit.connection, delivery.id)


def _keep(unit: Unit, delivery: Delivery, ref: TicketRef, values: Mapping[str, Any]) -> bool:
    """Write it down for each call of the ticket; whether it still is the ticket of any."""
    request_rows.lock(unit, delivery.request_id)
    kept = False
    for each in _of_ticket(unit.connection, delivery, ref):
        current = delivery_rows.get(unit.connection, each.id, lock=True)
        if current.ticket_id == ref.id and current.reference is not None:
            text = codec.dumps({**current.reference, **values})
            delivery_rows.record(unit.connection, each.id, reference=text)
            kept = True
    return kept


def _of_ticket(connection: Connection, delivery: Delivery, ref: TicketRef) -> Sequence[Delivery]:
    if not delivery.calls:
        return [delivery]
    known = ticket_rows.deliveries_in(connection, delivery.channel, ref.id)
    return sorted(known, key=lambda each: each.id)


def ticket_of(delivery: Delivery) -> TicketRef:
    """The ticket of a delivery. Raises NotFoundError if it has none."""
    kept = delivery.reference or {}
    if not kept.get("ticket"):
        raise NotFoundError(f"Delivery {delivery.id} has no ticket")
    return TicketRef(
        id=str(kept["ticket"]),
        key=str(kept.get("key", "")),
        url=str(kept.get("url", "")),
        shown=str(kept.get("shown", "")),
        whole=kept.get("whole") is True,
    )
