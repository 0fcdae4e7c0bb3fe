"""Companions: calls of one checkpoint that one message of a channel shows.

Each keeps its own row. Whoever makes one of them due takes along those that its message shows as
well, so that a checkpoint of many calls is one message that is changed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from countersign.approvals.delivery.quiet_times import HELD
from countersign.approvals.delivery.second_looks import begin, noticed
from countersign.approvals.forms.together import name_of, named_by, on_same_terms, waiting
from countersign.approvals.models import (
    Delivery,
    DeliveryId,
    Domains,
    Placing,
    Request,
    RequestKind,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.visibility import in_the_same
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as rows
from countersign.approvals.store.schema import deliveries
from countersign.approvals.store.view_rows import ViewRows, view_rows

_NONE: Mapping[DeliveryId, int] = {}


class Companions(NamedTuple):
    """What the message of one delivery shows."""

    lead: ViewRows
    """The first call of it that waits, or the first one."""
    calls: str
    """Names all of its calls; "" of a message of one call."""
    beside: Sequence[tuple[Delivery, Request]]
    """The other deliveries that are made with it."""
    versions: Mapping[DeliveryId, int] = _NONE
    """Of all that its message shows already, what was wanted of each when it was read."""


def take(
    unit: Unit,
    first: Delivery,
    found: ViewRows,
    now: datetime,
    until: str,
    *,
    placing: Placing,
    domains: Domains,
) -> Companions:
    """What is shown with the call of `first`, and the deliveries of that, taken until then: calls
    that the same people decide on the same terms, and in the same `domains`. A message begins with
    the first call that waits; what is told below a ticket, with the one that is due.

    The session is locked: of two servers that begin with different calls, one finds all taken.
    """
    batch = [found.request, *found.siblings]
    if first.reference is None:
        wanted = _wanted(found, domains)
    else:
        wanted = named_by(first.calls, batch)
    if len(wanted) < 2:
        return Companions(found, "", ())
    of = {each.id: each for each in wanted}
    query = (
        select(deliveries)
        .where(
            deliveries.c.request_id.in_([each for each in of if each != first.request_id]),
            deliveries.c.channel == first.channel,
            deliveries.c.next_at.is_not(None),
        )
        .order_by(deliveries.c.id)
        .with_for_update(skip_locked=True)
    )
    known = [codec.delivery(row) for row in unit.connection.execute(query)]
    versions = {} if first.reference is None else _versions(unit.connection, first, wanted)
    due = [
        each
        for each in known
        if _is_beside(each, first) and (_is_due(each, now) or _is_in_doubt_with(each, first))
    ]
    mine = [noticed(each, now, redrawn=placing.redrawn) for each in due]
    for each in mine:
        begin(unit.connection, each, until)
    beside = [(each, of[each.request_id]) for each in mine]
    if first.reference is None:
        shown = [found.request, *(request for _, request in beside)]
        if len(shown) < 2:
            return Companions(found, "", ())
        calls = name_of(shown)
    else:
        shown, calls = list(wanted), first.calls
    lead = next(iter(waiting(shown)), min(shown, key=lambda each: each.position))
    if placing.in_tickets and first.reference is not None:
        lead = found.request
    begins = found if lead.id == first.request_id else view_rows(unit.connection, lead.id)
    return Companions(begins, calls, beside, versions)


def moved_on(connection: Connection, versions: Mapping[DeliveryId, int]) -> bool:
    """Whether any of what a message shows has changed since it was read to be drawn. Somebody else
    may have drawn that meanwhile, and what was drawn before may have arrived after it."""
    if not versions:
        return False
    of = deliveries.c.id
    query = select(of, deliveries.c.wanted_version).where(of.in_(list(versions)))
    return versions != {row[0]: row[1] for row in connection.execute(query)}


def _versions(
    connection: Connection, first: Delivery, shown: Sequence[Request]
) -> Mapping[DeliveryId, int]:
    known = rows.of_requests(connection, [each.id for each in shown])
    return {each.id: each.wanted_version for each in known if each.place == first.place}


def in_message(connection: Connection, delivery: Delivery, found: ViewRows) -> Sequence[DeliveryId]:
    """The other deliveries that stand in the same message: what is said below it is said once."""
    shown = named_by(delivery.calls, found.siblings)
    known = rows.of_requests(connection, [each.id for each in shown]) if shown else ()
    return [each.id for each in known if each.place == delivery.place]


def _wanted(found: ViewRows, domains: Domains) -> Sequence[Request]:
    request, siblings = found.request, found.siblings
    if request.kind is not RequestKind.TOOL:
        return ()
    return on_same_terms(request, in_the_same(request, found.session, siblings, domains))


def _is_due(delivery: Delivery, now: datetime) -> bool:
    """Due, or waiting after an attempt that has shown nothing; not one that is under way, nor one
    that is held for its reader's list."""
    waits = delivery.error not in (None, HELD)
    return delivery.next_at is not None and (delivery.next_at <= now or waits)


def _is_beside(delivery: Delivery, first: Delivery) -> bool:
    """Whether one message shows both: of what is not shown yet, at the same target."""
    if first.reference is None:
        same = delivery.target == first.target and delivery.doubt_at == first.doubt_at
        return delivery.reference is None and same
    return delivery.place == first.place


def _is_in_doubt_with(delivery: Delivery, first: Delivery) -> bool:
    """Whether one ticket was asked for, perhaps made, that shows both: it is looked for as that,
    also where who asked for it died before it had put down how that went for each of them."""
    return first.reference is None and first.doubt_at is not None
