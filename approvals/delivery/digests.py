"""Digests: what is of low risk and due for one person at the same time is shown as one list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from countersign.approvals.models import Delivery, Principal, Request, RequestStatus
from countersign.approvals.rules.quiet import is_listed
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as rows
from countersign.approvals.store.schema import deliveries
from countersign.approvals.store.view_rows import ViewRows, view_rows

AT_ONCE = 20
"""Requests of one list; what is due beyond makes another one."""
Fellow = tuple[Delivery, ViewRows]


def take(
    connection: Connection,
    first: Delivery,
    person: Principal | None,
    request: Request,
    now: datetime,
    until: str,
) -> Sequence[Fellow]:
    """The other deliveries of the list that `first` begins for its person, taken until then like
    it; none if it is shown by itself."""
    if first.reference is not None or not _is_wanted(person, request):
        return ()
    query = (
        select(deliveries)
        .where(
            deliveries.c.next_at <= codec.to_text(now),
            deliveries.c.channel == first.channel,
            deliveries.c.target == first.target,
            deliveries.c.reference.is_(None),
            deliveries.c.id != first.id,
        )
        .order_by(deliveries.c.id)
        .limit(AT_ONCE - 1)
        .with_for_update(skip_locked=True)
    )
    found = [codec.delivery(row) for row in connection.execute(query)]
    fellows = [(each, view_rows(connection, each.request_id)) for each in found]
    listed = [(each, view) for each, view in fellows if _is_wanted(person, view.request)]
    for each, _ in listed:
        rows.record(connection, each.id, next_at=until, attempts=each.attempts + 1, error=None)
    return listed


def _is_wanted(person: Principal | None, request: Request) -> bool:
    return request.status is RequestStatus.PENDING and is_listed(person, request)
