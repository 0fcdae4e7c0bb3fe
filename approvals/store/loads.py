"""Queries on load: how many requests each person is shown now, in one channel."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from countersign.approvals.models import DeliveryStatus, PrincipalId, RequestId, RequestStatus
from countersign.approvals.store.schema import deliveries, requests

AT_ONCE = 400
"""People who are counted by one query: SQLite takes so many parameters."""
_PERSON = "person:"
_OPEN = (DeliveryStatus.PENDING.value, DeliveryStatus.LIVE.value)


def open_for(
    connection: Connection, channel: str, people: Sequence[PrincipalId], but: RequestId
) -> dict[PrincipalId, int]:
    """How many requests these people are shown by themselves or are about to be, without one; who
    is shown none is left out."""
    found: dict[PrincipalId, int] = {}
    for first in range(0, len(people), AT_ONCE):
        names = [f"{_PERSON}{person}" for person in people[first : first + AT_ONCE]]
        query = (
            select(deliveries.c.target, func.count())
            .join(requests, requests.c.id == deliveries.c.request_id)
            .where(
                deliveries.c.target.in_(names),
                deliveries.c.status.in_(_OPEN),
                deliveries.c.channel == channel,
                deliveries.c.request_id != but,
                requests.c.status == RequestStatus.PENDING.value,
            )
            .group_by(deliveries.c.target)
        )
        for target, count in connection.execute(query):
            found[PrincipalId(target.removeprefix(_PERSON))] = count
    return found
