"""Queries on requests that nobody can decide: which are alike, and of which people were told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, select

from countersign.approvals.models import RequestId, RequestStatus
from countersign.approvals.store import codec
from countersign.approvals.store.schema import nobody_left, requests, sessions, votes

Shape = tuple[str, str, str, int, str, str, str]
"""(kind, requester, stages as stored, open stage, tool, agent, workflow): who may decide depends on
no more, while nobody has voted."""
_PENDING = requests.c.status == RequestStatus.PENDING.value
_COLUMNS = (
    requests.c.kind,
    requests.c.requester,
    requests.c.stages,
    requests.c.stage,
    requests.c.tool,
    requests.c.agent,
    sessions.c.workflow,
)
_WITH_SESSION = requests.join(sessions, sessions.c.id == requests.c.session_id)
_TOLD = exists().where(nobody_left.c.request_id == requests.c.id)
_VOTED = exists().where(
    and_(votes.c.request_id == requests.c.id, votes.c.revision == requests.c.revision)
)


def shapes(connection: Connection) -> list[tuple[Shape, RequestId]]:
    """The different shapes of what is pending, each with one request of it."""
    query = (
        select(*_COLUMNS, func.min(requests.c.id))
        .select_from(_WITH_SESSION)
        .where(_PENDING)
        .group_by(*_COLUMNS)
    )
    return [
        ((r[0], r[1], r[2], r[3], r[4], r[5], r[6]), RequestId(r[7]))
        for r in connection.execute(query)
    ]


def untold(connection: Connection, shape: Shape, after: str, limit: int) -> list[RequestId]:
    """Pending requests of a shape whose people were not told, by id."""
    alike = [column == value for column, value in zip(_COLUMNS, shape, strict=True)]
    return _ids(connection, after, limit, *alike, ~_TOLD)


def voted(connection: Connection, after: str, limit: int) -> list[RequestId]:
    """Pending requests with votes on their current revision, by id."""
    return _ids(connection, after, limit, _VOTED)


def told(connection: Connection, after: str, limit: int) -> list[RequestId]:
    """Pending requests whose people were told, by id."""
    return _ids(connection, after, limit, _TOLD)


def among(connection: Connection, request_ids: Sequence[str]) -> frozenset[str]:
    """Those of these requests whose people were told."""
    query = select(nobody_left.c.request_id).where(nobody_left.c.request_id.in_(request_ids))
    return frozenset(connection.execute(query).scalars())


def add(connection: Connection, request_id: str, now: datetime) -> None:
    """People are told now."""
    connection.execute(insert(nobody_left).values(request_id=request_id, at=codec.to_text(now)))


def remove(connection: Connection, request_id: str) -> None:
    """It can be decided again."""
    connection.execute(delete(nobody_left).where(nobody_left.c.request_id == request_id))


def _ids(
    connection: Connection, after: str, limit: int, *conditions: ColumnElement[bool]
) -> list[RequestId]:
    query = (
        select(requests.c.id)
        .select_from(_WITH_SESSION)
        .where(_PENDING, requests.c.id > after, *conditions)
        .order_by(requests.c.id)
        .limit(limit)
    )
    return [RequestId(request_id) for request_id in connection.execute(query).scalars()]
