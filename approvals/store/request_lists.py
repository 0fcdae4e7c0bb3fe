"""Queries that list requests: by pages, and by what is due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, bindparam, literal_column, or_, select

from countersign.approvals.models import Request, RequestId, RequestKind, RequestStatus
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import requests, sessions
from countersign.approvals.store.sessions import LIVE

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
    query = select(requests)
    if status is not None:
        query = query.where(requests.c.status == status.value)
    if session_id is not None:
        query = query.where(requests.c.session_id == session_id)
    if after is not None:
        query = query.where(*_beyond(after, newest=newest))
    by_time = (requests.c.created_at, requests.c.id)
    query = query.order_by(*(c.desc() for c in by_time) if newest else by_time).limit(limit)
    return [codec.request(row) for row in connection.execute(query)]


def _beyond(place: tuple[str, str], *, newest: bool) -> tuple[ColumnElement[bool], ...]:
    """What comes after a place; the first condition is where an index is read from, unlike `or`."""
    at, request_id = requests.c.created_at, requests.c.id
    if newest:
        same = and_(at == place[0], request_id < place[1])
        return at <= place[0], or_(at < place[0], same)
    return at >= place[0], or_(at > place[0], and_(at == place[0], request_id > place[1]))


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
