"""Clock set back: rows that were planned by a clock that was ahead would wait for it.

Nothing is planned further off than the limits here, so what is planned beyond was written by such a
clock: it is due now. A lease only ends soon: whoever holds it renews it by then.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, case, exists, select, update

from countersign.approvals.models import RequestId, RequestStatus
from countersign.approvals.store import codec
from countersign.approvals.store.schema import (
    deliveries,
    notices,
    polls,
    requests,
    sessions,
)

SESSION_AT_MOST = timedelta(minutes=10)
"""Twice what a parked session waits."""
AT_MOST = timedelta(minutes=90)
"""More than `approvals.backoff` and the polls of tickets ever wait."""
LEASE = timedelta(seconds=60)
"""Twice a lease."""
SKEW = timedelta(minutes=5)
"""Clocks of servers that work together differ by less."""
_PLANNED = (
    (deliveries, "next_at"),
    (deliveries, "look_at"),
    (notices, "next_at"),
    (polls, "next_at"),
)


def is_any(connection: Connection, now: datetime) -> bool:
    """Whether there is something to bring back."""
    found = [exists().where(_beyond_session(now))]
    found += [exists().where(_beyond(table, name, now)) for table, name in _PLANNED]
    return any(connection.execute(select(one)).scalar() for one in found)


def bring_back(connection: Connection, now: datetime) -> int:
    """Make it due; returns how many rows."""
    at, soon, lease = codec.to_text(now), codec.to_text(now + LEASE), sessions.c.lease_until
    values = {"next_at": case((lease.is_(None), at), else_=soon)}
    values["lease_until"] = case((lease.is_(None), None), else_=soon)
    count = connection.execute(update(sessions).where(_beyond_session(now)).values(values)).rowcount
    for table, name in _PLANNED:
        due = update(table).where(_beyond(table, name, now)).values({name: at})
        count += connection.execute(due).rowcount
    return count


def asked(connection: Connection, now: datetime, *, limit: int) -> list[RequestId]:
    """Pending requests that were asked after now: their deadlines are as far off."""
    query = (
        select(requests.c.id)
        .where(
            requests.c.status == RequestStatus.PENDING.value,
            requests.c.created_at > codec.to_text(now + SKEW),
        )
        .limit(limit)
    )
    return [RequestId(row[0]) for row in connection.execute(query)]


def _beyond_session(now: datetime) -> ColumnElement[bool]:
    return sessions.c.next_at > codec.to_text(now + SESSION_AT_MOST)


def _beyond(table: Table, name: str, now: datetime) -> ColumnElement[bool]:
    return table.c[name] > codec.to_text(now + AT_MOST)
