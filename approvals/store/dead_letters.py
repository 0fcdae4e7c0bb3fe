"""Dead letters: deliveries that were given up, for operators to look at and to send again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from countersign.approvals.models import Delivery, DeliveryStatus
from countersign.approvals.store import codec
from countersign.approvals.store.schema import deliveries

_GIVEN_UP = deliveries.c.status == DeliveryStatus.ABANDONED.value


def given_up(connection: Connection, channel: str, *, limit: int) -> list[Delivery]:
    """Those of a channel, the newest first."""
    query = (
        select(deliveries)
        .where(_GIVEN_UP, deliveries.c.channel == channel)
        .order_by(deliveries.c.id.desc())
        .limit(limit)
    )
    return [codec.delivery(row) for row in connection.execute(query)]


def count(connection: Connection, channel: str) -> int:
    """How many there are of a channel."""
    query = select(func.count()).where(_GIVEN_UP, deliveries.c.channel == channel)
    return int(connection.execute(query).scalar_one())


def send_again(connection: Connection, channel: str, ids: Sequence[str], now: datetime) -> int:
    """Make these due, as if they had never been tried; how many of them were given up."""
    live, pending = DeliveryStatus.LIVE.value, DeliveryStatus.PENDING.value
    found = 0
    for shown, status in ((True, live), (False, pending)):
        has = deliveries.c.reference.is_not(None) if shown else deliveries.c.reference.is_(None)
        query = (
            update(deliveries)
            .where(_GIVEN_UP, deliveries.c.channel == channel, deliveries.c.id.in_(ids), has)
            .values(status=status, next_at=codec.to_text(now), attempts=0, error=None)
        )
        found += connection.execute(query).rowcount
    return found
