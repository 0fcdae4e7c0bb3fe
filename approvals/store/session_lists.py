"""Queries that list and count sessions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from countersign.approvals.models import Session, SessionId, SessionStatus
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import sessions
from countersign.approvals.store.sessions import COLUMNS, LIVE


def among(connection: Connection, session_ids: Collection[str]) -> dict[SessionId, Session]:
    """Those of these sessions that there are, at most a few hundred."""
    rows = connection.execute(select(*COLUMNS).where(sessions.c.id.in_(session_ids)))
    return {found.id: found for found in map(codec.session, rows)}


def page(
    connection: Connection,
    *,
    status: SessionStatus | None,
    conversation: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[Session]:
    """Sessions, newest first, after the (created_at, id) of the last one seen."""
    query = select(*COLUMNS)
    if status is not None:
        query = query.where(sessions.c.status == status.value)
    if conversation is not None:
        query = query.where(sessions.c.conversation == conversation)
    if after is not None:
        query = query.where(
            sessions.c.created_at <= after[0],  # from where an index is read, unlike by `or`
            or_(
                sessions.c.created_at < after[0],
                and_(sessions.c.created_at == after[0], sessions.c.id < after[1]),
            ),
        )
    query = query.order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(limit)
    return [codec.session(row) for row in connection.execute(query)]


def due(connection: Connection, now: datetime, *, limit: int) -> list[SessionId]:
    """Sessions with work to do at `now`, the longest due first."""
    rows = _DUE.all(connection, now=codec.to_text(now), most=limit)
    return [SessionId(row[0]) for row in rows]


def count_running(connection: Connection, *, limit: int) -> int:
    """How many sessions run now, counted up to `limit`; none that a pause holds."""
    running = (
        select(sessions.c.id)
        .where(sessions.c.status == SessionStatus.RUNNING.value, sessions.c.held_by.is_(None))
        .limit(limit)
    )
    return int(
        connection.execute(select(func.count()).select_from(running.subquery())).scalar_one()
    )


def live_versions(connection: Connection) -> list[tuple[str, str, int]]:
    """The workflows of the sessions that are not over, each with its version and their number."""
    which = sessions.c.workflow, sessions.c.workflow_version
    live = sessions.c.status.in_([status.value for status in LIVE])
    query = select(*which, func.count()).where(live).group_by(*which).order_by(*which)
    return [(row[0], row[1], int(row[2])) for row in connection.execute(query)]


_DUE = Prepared(
    select(sessions.c.id)
    .where(sessions.c.next_at <= bindparam("now"))
    .order_by(sessions.c.next_at)
    .limit(bindparam("most"))
)
