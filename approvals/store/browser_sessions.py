"""Queries on browser sessions: begun, used, ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, or_, select, update

from countersign.approvals.models import BrowserSession, PrincipalId
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import browser_sessions

_B = browser_sessions.c


def add(connection: Connection, session: BrowserSession) -> None:
    """Keep a session that begins."""
    columns = session.model_dump()
    for name in ("authenticated_at", "created_at", "seen_at", "expires_at"):
        columns[name] = codec.to_text(columns[name])
    columns["claims"] = None if session.claims is None else codec.dumps(session.claims)
    _INSERT.run(connection, **columns)


def get(connection: Connection, session_id: str) -> BrowserSession | None:
    """The session with this id, also one that is too old."""
    row = _GET.first(connection, of=session_id)
    return None if row is None else _session(row)


def of_person(connection: Connection, principal_id: PrincipalId) -> list[BrowserSession]:
    """A person's sessions, the one that was used last first."""
    query = select(browser_sessions).where(_B.principal_id == principal_id)
    return [_session(row) for row in connection.execute(query.order_by(_B.seen_at.desc(), _B.id))]


def seen(connection: Connection, session_id: str, now: datetime) -> None:
    """Note that it was used."""
    values = {"seen_at": codec.to_text(now)}
    connection.execute(update(browser_sessions).where(_B.id == session_id).values(values))


def end(connection: Connection, session_ids: Sequence[str]) -> int:
    """End these sessions; how many there were."""
    return connection.execute(delete(browser_sessions).where(_B.id.in_(session_ids))).rowcount


def end_all(connection: Connection, principal_id: PrincipalId) -> int:
    """End all sessions of a person; how many there were."""
    where = _B.principal_id == principal_id
    return connection.execute(delete(browser_sessions).where(where)).rowcount


def end_old(connection: Connection, now: datetime, unused_since: datetime, *, limit: int) -> int:
    """Drop sessions that nobody can use any more, at most `limit`; how many those were."""
    old = or_(_B.expires_at <= codec.to_text(now), _B.seen_at <= codec.to_text(unused_since))
    ids = connection.execute(select(_B.id).where(old).limit(limit)).scalars().all()
    return end(connection, ids)


def _session(row: Sequence[Any]) -> BrowserSession:
    names = [column.name for column in browser_sessions.c]
    found = dict(zip(names, row, strict=True))
    for name in ("authenticated_at", "created_at", "seen_at", "expires_at"):
        found[name] = codec.from_text(found[name])
    found["claims"] = codec.object_or_none(found["claims"])
    return BrowserSession.model_validate(found)


_INSERT = insertion(browser_sessions)
_GET = Prepared(select(browser_sessions).where(_B.id == bindparam("of")))
