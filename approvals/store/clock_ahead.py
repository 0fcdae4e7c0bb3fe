"""Clock set back: rows that were planned by a clock that was ahead would wait for it.

Nothing is planned further off than the limits here, so what is planned beyond was written by such a
clock: it is due now. A lease only ends soon: whoever holds it renews it by then.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    case,
    exists,
    or_,
    select,
    update,
)

from countersign.approvals.models import RequestId, RequestStatus
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import (
    deliveries,
    notices,
    polls,
    reminders,
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
    (reminders, "next_at"),
    (polls, "next_at"),
)


def is_any(connection: Connection, now: datetime) -> bool:
    """Whether there is something to bring back."""
    row = _IS_ANY.first(connection, **_limits(now))
    return bool(row and row[0])


def bring_back(connection: Connection, now: datetime) -> int:
    """Make it due; returns how many rows."""
    at, soon, lease = codec.to_text(now), codec.to_text(now + LEASE), sessions.c.lease_until
    limits = _limits(now)
    values = {"next_at": case((lease.is_(None), at), else_=soon)}
    values["lease_until"] = case((lease.is_(None), None), else_=soon)
    later = update(sessions).where(_BEYOND_SESSION).values(values)
    count = connection.execute(later, limits).rowcount
    for table, name in _PLANNED:
        due = update(table).where(_beyond(table, name)).values({name: at})
        count += connection.execute(due, limits).rowcount
    return count


def asked(connection: Connection, now: datetime, *, limit: int) -> list[RequestId]:
    """Pending requests that were asked after now: their deadlines are as far off."""
    rows = _ASKED.all(connection, late=codec.to_text(now + SKEW), most=limit)
    return [RequestId(row[0]) for row in rows]


def _limits(now: datetime) -> dict[str, str]:
    """What nothing is planned beyond."""
    return {
        "session_at_most": codec.to_text(now + SESSION_AT_MOST),
        "at_most": codec.to_text(now + AT_MOST),
    }


def _beyond(table: Table, name: str) -> ColumnElement[bool]:
    return table.c[name] > bindparam("at_most")


_BEYOND_SESSION = sessions.c.next_at > bindparam("session_at_most")
_IS_ANY = Prepared(
    select(
        or_(
            exists().where(_BEYOND_SESSION),
            *(exists().where(_beyond(table, name)) for table, name in _PLANNED),
        )
    )
)
_ASKED = Prepared(
    select(requests.c.id)
    .where(
        requests.c.status == RequestStatus.PENDING.value,
        requests.c.created_at > bindparam("late"),
    )
    .limit(bindparam("most"))
)
