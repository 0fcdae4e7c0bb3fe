"""Queries that list and count sessions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from countersign.approvals.models import Session, SessionId, SessionStatus
from countersign.approvals.store import codec
from countersign.approvals.store.canaries import OF_CANARY
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import sessions
from countersign.approvals.store.sessions import COLUMNS, LIVE
from countersign.approvals.store.timelines import Timeline, beyond, by_time


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
    """Sessions, newest first, after the (created_at, id) of the last one seen; none of those that
    stand behind a canary only: nobody has started them."""
    if status is None and conversation is None:
        return [codec.session(row) for row in _NEWEST.page(connection, after, limit)]
    query = select(*COLUMNS).where(~OF_CANARY)
    if status is not None:
        query = query.where(sessions.c.status == status.value)
    if conversation is not None:
        query = query.where(sessions.c.conversation == conversation)
    if after is not None:
        query = query.where(*beyond(sessions, after, newest=True))
    query = query.order_by(*by_time(sessions, newest=True)).limit(limit)
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


_NEWEST = Timeline(sessions, COLUMNS, SessionStatus, newest=True, only=(~OF_CANARY,))
_DUE = Prepared(
    select(sessions.c.id)
    .where(sessions.c.next_at <= bindparam("now"))
    .order_by(sessions.c.next_at)
    .limit(bindparam("most"))
)
