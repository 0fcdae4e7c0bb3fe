"""Queries on sessions and their run leases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from approvals.errors import LostLeaseError, NotFoundError
from approvals.ledger import GENESIS
from approvals.models import Session, SessionId, SessionStatus
from approvals.store import codec
from approvals.store.schema import sessions

_COLUMNS = [c for c in sessions.c if c.name != "snapshot"]
LIVE = (SessionStatus.RUNNING, SessionStatus.WAITING)


def insert(
    connection: Connection,
    session: Session,
    *,
    idempotency_key: str | None,
    next_at: datetime,
) -> None:
    """Add a session that is due at `next_at`."""
    connection.execute(
        sessions.insert().values(
            id=session.id,
            workflow=session.workflow,
            workflow_version=session.workflow_version,
            task=session.task,
            owner=session.owner,
            status=session.status.value,
            conversation=session.conversation,
            idempotency_key=idempotency_key,
            created_at=codec.to_text(session.created_at),
            updated_at=codec.to_text(session.updated_at),
            next_at=codec.to_text(next_at),
            ledger_head=GENESIS,
        )
    )


def lock(connection: Connection, session_id: str) -> None:
    """Let no other transaction change this session or its requests before this one has ended.

    Taken before any other row, so that two transactions never wait for each other. SQLite has one
    writer: there is nothing to wait for.
    """
    if connection.dialect.name == "postgresql":
        query = select(sessions.c.id).where(sessions.c.id == session_id)
        connection.execute(query.with_for_update())


def by_key(connection: Connection, idempotency_key: str) -> Session | None:
    """The session that was started with this key. Nobody else starts one with it before this
    transaction has ended."""
    if connection.dialect.name == "postgresql":
        key_hash = func.hashtextextended(idempotency_key, 0)
        connection.execute(select(func.pg_advisory_xact_lock(key_hash)))
    row = connection.execute(
        select(*_COLUMNS).where(sessions.c.idempotency_key == idempotency_key)
    ).first()
    return None if row is None else codec.session(row)


def get(connection: Connection, session_id: str) -> Session:
    """The session. Raises NotFoundError."""
    return codec.session(_row(connection, session_id))


def snapshot(connection: Connection, session_id: str) -> str | None:
    """The stored chat state as JSON text. Raises NotFoundError."""
    row = connection.execute(select(sessions.c.snapshot).where(sessions.c.id == session_id)).first()
    if row is None:
        raise _unknown(session_id)
    return row[0]  # type: ignore[no-any-return]


def page(
    connection: Connection,
    *,
    status: SessionStatus | None,
    conversation: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[Session]:
    """Sessions, newest first, after the (created_at, id) of the last one seen."""
    query = select(*_COLUMNS)
    if status is not None:
        query = query.where(sessions.c.status == status.value)
    if conversation is not None:
        query = query.where(sessions.c.conversation == conversation)
    if after is not None:
        query = query.where(
            or_(
                sessions.c.created_at < after[0],
                and_(sessions.c.created_at == after[0], sessions.c.id < after[1]),
            )
        )
    query = query.order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(limit)
    return [codec.session(row) for row in connection.execute(query)]


def due(connection: Connection, now: datetime, *, limit: int) -> list[SessionId]:
    """Sessions with work to do at `now`, the longest due first."""
    query = (
        select(sessions.c.id)
        .where(sessions.c.next_at <= codec.to_text(now))
        .order_by(sessions.c.next_at)
        .limit(limit)
    )
    return [SessionId(row[0]) for row in connection.execute(query)]


def take_lease(
    connection: Connection,
    session_id: str,
    *,
    owner: str,
    now: datetime,
    lease_s: float,
) -> tuple[Session, int] | None:
    """Make this process the one that runs the session; None if it is not due or not free.

    The returned epoch fences every later write. `next_at` moves to the end of the lease, so a
    sweep finds the session again if this process dies.
    """
    until = codec.to_text(now + timedelta(seconds=lease_s))
    taken = connection.execute(
        update(sessions)
        .where(
            sessions.c.id == session_id,
            sessions.c.status == SessionStatus.RUNNING.value,
            sessions.c.next_at <= codec.to_text(now),
            or_(
                sessions.c.lease_until.is_(None),
                sessions.c.lease_until <= codec.to_text(now),
            ),
        )
        .values(
            epoch=sessions.c.epoch + 1,
            lease_owner=owner,
            lease_until=until,
            next_at=until,
        )
    )
    if taken.rowcount != 1:
        return None
    row = _row(connection, session_id)
    return codec.session(row), row._mapping["epoch"]


def renew_lease(
    connection: Connection,
    session_id: str,
    epoch: int,
    *,
    now: datetime,
    lease_s: float,
) -> bool:
    """Keep the lease for another `lease_s`; False if it is lost."""
    until = codec.to_text(now + timedelta(seconds=lease_s))
    done = connection.execute(
        update(sessions)
        .where(
            sessions.c.id == session_id,
            sessions.c.epoch == epoch,
            sessions.c.lease_until > codec.to_text(now),
        )
        .values(lease_until=until, next_at=until)
    )
    return done.rowcount == 1


def free_leases(connection: Connection, *, now: datetime) -> int:
    """Forget every lease: for a start-up at which no other process can hold one."""
    return connection.execute(
        update(sessions)
        .where(sessions.c.lease_until.is_not(None))
        .values(lease_until=None, lease_owner=None, next_at=codec.to_text(now))
    ).rowcount


def change(
    connection: Connection, session_id: str, epoch: int, now: datetime, **values: Any
) -> None:
    """Write columns as the run of `epoch`. Raises LostLeaseError if another run began since."""
    changed = connection.execute(
        update(sessions)
        .where(
            sessions.c.id == session_id,
            sessions.c.epoch == epoch,
            sessions.c.lease_until > codec.to_text(now),
            sessions.c.status == SessionStatus.RUNNING.value,
        )
        .values(updated_at=codec.to_text(now), **values)
    )
    if changed.rowcount != 1:
        raise LostLeaseError(f"Session {session_id} is no longer run by epoch {epoch}.")


def holds_lease(
    connection: Connection, session_id: str, epoch: int, now: datetime, *, lock: bool = True
) -> bool:
    """Whether the run of `epoch` still holds the session. With `lock`, which only a write can take,
    nobody takes it before the transaction has ended."""
    m = _row(connection, session_id, lock=lock)._mapping
    held = m["epoch"] == epoch and m["status"] == SessionStatus.RUNNING
    return bool(held and m["lease_until"] is not None and m["lease_until"] > codec.to_text(now))


def require_lease(
    connection: Connection, session_id: str, epoch: int, now: datetime, *, lock: bool = True
) -> None:
    """Raise LostLeaseError unless the run of `epoch` still holds the session; `lock` as above."""
    if not holds_lease(connection, session_id, epoch, now, lock=lock):
        raise LostLeaseError(f"Session {session_id} is no longer run by epoch {epoch}.")


def wake(connection: Connection, session_id: str, now: datetime) -> None:
    """Let a session go on if it waits."""
    connection.execute(
        update(sessions)
        .where(
            sessions.c.id == session_id,
            sessions.c.status == SessionStatus.WAITING.value,
        )
        .values(
            status=SessionStatus.RUNNING.value,
            next_at=codec.to_text(now),
            updated_at=codec.to_text(now),
            lease_until=None,
        )
    )


def cancel(connection: Connection, session_id: str, now: datetime, *, error: str) -> bool:
    """End a live session, whoever runs it; False if it was over. The epoch moves on, so the run
    that may be under way loses its lease."""
    cancelled = connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.status.in_([s.value for s in LIVE]))
        .values(
            status=SessionStatus.CANCELLED.value,
            error=error,
            epoch=sessions.c.epoch + 1,
            lease_until=None,
            next_at=None,
            updated_at=codec.to_text(now),
        )
    )
    return cancelled.rowcount == 1


def attempts(connection: Connection, session_id: str) -> int:
    """How often the current step has been parked."""
    return int(_row(connection, session_id)._mapping["attempts"])


def ids(connection: Connection) -> Sequence[SessionId]:
    """Every session, oldest first."""
    query = select(sessions.c.id).order_by(sessions.c.created_at, sessions.c.id)
    return [SessionId(row[0]) for row in connection.execute(query)]


def _row(connection: Connection, session_id: str, *, lock: bool = False) -> Row[Any]:
    query = select(*_COLUMNS).where(sessions.c.id == session_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise _unknown(session_id)
    return row


def _unknown(session_id: str) -> NotFoundError:
    return NotFoundError(f"There is no session {session_id}.")
