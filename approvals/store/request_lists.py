"""Queries that list requests: by pages, and by what is due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, literal_column, or_, select

from countersign.approvals.models import Request, RequestId, RequestKind, RequestStatus, SessionId
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import requests, sessions
from countersign.approvals.store.sessions import LIVE
from countersign.approvals.store.timelines import Timeline, beyond, by_time

_PENDING = requests.c.status == literal_column(f"'{RequestStatus.PENDING.value}'")
"""Written out: an index over some rows serves no query that leaves open which ones it wants."""


def page(
    connection: Connection,
    *,
    status: RequestStatus | None,
    session_id: str | None,
    after: tuple[str, str] | None,
    limit: int,
    newest: bool = False,
) -> list[Request]:
    """Requests, oldest (or newest) first, after the (created_at, id) of the last one seen."""
    if status is None and session_id is None:
        rows = (_NEWEST if newest else _OLDEST).page(connection, after, limit)
        return [codec.request(row) for row in rows]
    query = select(requests)
    if status is not None:
        query = query.where(requests.c.status == status.value)
    if session_id is not None:
        query = query.where(requests.c.session_id == session_id)
    if after is not None:
        query = query.where(*beyond(requests, after, newest=newest))
    query = query.order_by(*by_time(requests, newest=newest)).limit(limit)
    return [codec.request(row) for row in connection.execute(query)]


def of_sessions(
    connection: Connection, session_ids: Sequence[str]
) -> Mapping[SessionId, Sequence[Request]]:
    """The requests of each of these sessions that has some, at most a few hundred sessions."""
    query = select(requests).where(requests.c.session_id.in_(session_ids))
    found: dict[SessionId, list[Request]] = {}
    for request in map(codec.request, connection.execute(query)):
        found.setdefault(request.session_id, []).append(request)
    return found


def expiring(connection: Connection, now: datetime, *, limit: int) -> list[RequestId]:
    """Pending requests whose deadline has passed at `now`, the longest overdue first."""
    rows = _EXPIRING.all(connection, now=codec.to_text(now), most=limit)
    return [RequestId(row[0]) for row in rows]


def asked_otherwise(
    connection: Connection,
    *,
    policy_version: str,
    schema_versions: Collection[str],
    after: tuple[str, str],
    limit: int,
) -> list[Request]:
    """Pending calls that were asked under another policy or of another form of their tools,
    oldest first, after the (created_at, id) of the last one seen."""
    query = (
        select(requests)
        .where(
            _PENDING,
            requests.c.kind == RequestKind.TOOL.value,
            requests.c.canary.is_(None),
            requests.c.created_at >= after[0],  # from where an index is read, unlike by `or`
            or_(requests.c.created_at > after[0], requests.c.id > after[1]),
            or_(
                requests.c.policy_version != policy_version,
                requests.c.schema_version.not_in(sorted(schema_versions)),
            ),
        )
        .order_by(requests.c.created_at, requests.c.id)
        .limit(limit)
    )
    return [codec.request(row) for row in connection.execute(query)]


def orphaned(connection: Connection, before: datetime, *, limit: int) -> list[RequestId]:
    """Requests that were executing when their session ended, at or before `before`."""
    rows = _ORPHANED.all(connection, before=codec.to_text(before), most=limit)
    return [RequestId(row[0]) for row in rows]


_OLDEST = Timeline(requests, requests.c, RequestStatus, newest=False)
_NEWEST = Timeline(requests, requests.c, RequestStatus, newest=True)
_EXPIRING = Prepared(
    select(requests.c.id)
    .where(_PENDING, requests.c.expires_at <= bindparam("now"))
    .order_by(requests.c.expires_at)
    .limit(bindparam("most"))
)
_ORPHANED = Prepared(
    select(requests.c.id)
    .join(sessions, sessions.c.id == requests.c.session_id)
    .where(
        requests.c.status == RequestStatus.EXECUTING.value,
        *(sessions.c.status != status.value for status in LIVE),
        sessions.c.updated_at <= bindparam("before"),
    )
    .order_by(sessions.c.updated_at)
    .limit(bindparam("most"))
)
