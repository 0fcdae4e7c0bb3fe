"""Queries on sessions and their run leases."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from approvals.errors import LostLeaseError, NotFoundError
from approvals.ledger import GENESIS
from approvals.models import Session, SessionId, SessionStatus
from approvals.store import codec
from approvals.store.prepared import Prepared
from approvals.store.schema import sessions

LIVE = (SessionStatus.RUNNING, SessionStatus.WAITING)
FIRST_EPOCH = 1
_COLUMNS = [*(sessions.c[name] for name in codec.SESSION), sessions.c.epoch, sessions.c.attempts]
_LATER = ("checkpoint_id", "snapshot", "answer", "error", "attempts")
_NEW = [column.name for column in sessions.c if column.name not in _LATER]
_EPOCH, _ATTEMPTS, _SNAPSHOT_TOO = (len(codec.SESSION) + n for n in range(3))


class NewLease(NamedTuple):
    """A lease on a session that nobody can have: it starts, or wakes."""

    owner: str
    until: datetime


def insert(
    connection: Connection,
    session: Session,
    *,
    idempotency_key: str | None,
    next_at: datetime,
    head: tuple[int, str] = (0, GENESIS),
    lease: NewLease | None = None,
) -> None:
    """Add a session that is due at `next_at`, or leased at once: then it is due when `lease` ends.

    `head` is the sequence number and hash of the last of the ledger entries that follow.
    """
    until = None if lease is None else codec.to_text(lease.until)
    _INSERT.run(
        connection,
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
        next_at=until or codec.to_text(next_at),
        epoch=0 if lease is None else FIRST_EPOCH,
        lease_owner=None if lease is None else lease.owner,
        lease_until=until,
        ledger_seq=head[0],
        ledger_head=head[1],
    )


def lock(connection: Connection, session_id: str) -> None:
    """Let no other transaction change this session or its requests before this one has ended.

    Taken before any other row, so that two transactions never wait for each other. SQLite has one
    writer: there is nothing to wait for.
    """
    if connection.dialect.name == "postgresql":
        _LOCK.first(connection, of=session_id)


def by_key(connection: Connection, idempotency_key: str) -> Session | None:
    """The session that was started with this key. Nobody else starts one with it before this
    transaction has ended."""
    if connection.dialect.name == "postgresql":
        key_hash = func.hashtextextended(idempotency_key, 0)
        connection.execute(select(func.pg_advisory_xact_lock(key_hash)))
    row = _BY_KEY.first(connection, key=idempotency_key)
    return None if row is None else codec.session(row)


def get(connection: Connection, session_id: str) -> Session:
    """The session. Raises NotFoundError."""
    return codec.session(_row(connection, session_id))


def snapshot(connection: Connection, session_id: str) -> str | None:
    """The stored chat state as JSON text. Raises NotFoundError."""
    row = _found(_SNAPSHOT.first(connection, of=session_id), session_id)
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
) -> tuple[Session, int, str | None] | None:
    """Make this process the one that runs the session; None if it is not due or not free.

    Returns the session, the epoch, which fences every later write, and the chat's state. `next_at`
    moves to the end of the lease, so a sweep finds the session again if this process dies.
    """
    until = codec.to_text(now + timedelta(seconds=lease_s))
    taken = _TAKE_LEASE.run(
        connection, of=session_id, now=codec.to_text(now), by=owner, until=until
    )
    if taken != 1:
        return None
    return _begun(connection, session_id)


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
    renewed = _RENEW_LEASE.run(
        connection, of=session_id, run=epoch, now=codec.to_text(now), until=until
    )
    return renewed == 1


def release_lease(connection: Connection, session_id: str, epoch: int, *, now: datetime) -> bool:
    """Give the lease of this run back, so that the session is due at once; False if it is lost, or
    the session does not run any more."""
    return _RELEASE_LEASE.run(connection, of=session_id, run=epoch, now=codec.to_text(now)) == 1


def free_leases(connection: Connection, *, now: datetime) -> int:
    """Forget every lease: for a start-up at which no other process can hold one."""
    return connection.execute(
        update(sessions)
        .where(
            # Only what runs has a lease; a million that wait need not be looked at.
            sessions.c.status == SessionStatus.RUNNING.value,
            sessions.c.lease_until.is_not(None),
        )
        .values(lease_until=None, lease_owner=None, next_at=codec.to_text(now))
    ).rowcount


def change(
    connection: Connection, session_id: str, epoch: int, now: datetime, **values: Any
) -> None:
    """Write columns as the run of `epoch`. Raises LostLeaseError if another run began since."""
    at = codec.to_text(now)
    changed = _changing(tuple(values)).run(
        connection, of=session_id, run=epoch, now=at, updated_at=at, **values
    )
    if changed != 1:
        raise LostLeaseError(f"Session {session_id} is no longer run by epoch {epoch}.")


def holds_lease(
    connection: Connection, session_id: str, epoch: int, now: datetime, *, lock: bool = True
) -> bool:
    """Whether the run of `epoch` still holds the session. With `lock`, which only a write can take,
    nobody takes it before the transaction has ended."""
    row = (_LOCK if lock else _LEASE).first(connection, of=session_id)
    held_epoch, status, until = _found(row, session_id)
    held = held_epoch == epoch and status == SessionStatus.RUNNING
    return bool(held and until is not None and until > codec.to_text(now))


def require_lease(
    connection: Connection, session_id: str, epoch: int, now: datetime, *, lock: bool = True
) -> None:
    """Raise LostLeaseError unless the run of `epoch` still holds the session; `lock` as above."""
    if not holds_lease(connection, session_id, epoch, now, lock=lock):
        raise LostLeaseError(f"Session {session_id} is no longer run by epoch {epoch}.")


def wake(connection: Connection, session_id: str, now: datetime) -> None:
    """Let a session go on if it waits."""
    _WAKE.run(connection, of=session_id, now=codec.to_text(now))


def wake_and_take(
    connection: Connection, session_id: str, lease: NewLease, now: datetime
) -> tuple[Session, int, str | None] | None:
    """`wake` and `take_lease` in one: the session, its epoch, its chat's state. None, and nothing
    is changed, if it does not wait."""
    woken = _WAKE_AND_TAKE.run(
        connection,
        of=session_id,
        now=codec.to_text(now),
        by=lease.owner,
        until=codec.to_text(lease.until),
    )
    if woken != 1:
        return None
    return _begun(connection, session_id)


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
    return int(_row(connection, session_id)[_ATTEMPTS])


def count_running(connection: Connection, *, limit: int) -> int:
    """How many sessions run now, counted up to `limit`."""
    running = (
        select(sessions.c.id).where(sessions.c.status == SessionStatus.RUNNING.value).limit(limit)
    )
    return int(
        connection.execute(select(func.count()).select_from(running.subquery())).scalar_one()
    )


def ids(connection: Connection) -> Sequence[SessionId]:
    """Every session, oldest first."""
    query = select(sessions.c.id).order_by(sessions.c.created_at, sessions.c.id)
    return [SessionId(row[0]) for row in connection.execute(query)]


def _begun(connection: Connection, session_id: str) -> tuple[Session, int, str | None]:
    row = _found(_BEGUN.first(connection, of=session_id), session_id)
    return codec.session(row), row[_EPOCH], row[_SNAPSHOT_TOO]


def _row(connection: Connection, session_id: str) -> Sequence[Any]:
    return _found(_GET.first(connection, of=session_id), session_id)


def _found(row: Sequence[Any] | None, session_id: str) -> Sequence[Any]:
    if row is None:
        raise NotFoundError(f"There is no session {session_id}.")
    return row


_of = sessions.c.id == bindparam("of")
_running = sessions.c.status == SessionStatus.RUNNING.value
_INSERT = Prepared(
    sessions.insert().values({name: bindparam(name) for name in _NEW} | {"attempts": 0})
)
_GET = Prepared(select(*_COLUMNS).where(_of))
_BEGUN = Prepared(select(*_COLUMNS, sessions.c.snapshot).where(_of))
_BY_KEY = Prepared(select(*_COLUMNS).where(sessions.c.idempotency_key == bindparam("key")))
_SNAPSHOT = Prepared(select(sessions.c.snapshot).where(_of))
_lease = select(sessions.c.epoch, sessions.c.status, sessions.c.lease_until).where(_of)
_LEASE = Prepared(_lease)
_LOCK = Prepared(_lease.with_for_update())
_TAKE_LEASE = Prepared(
    update(sessions)
    .where(
        _of,
        _running,
        sessions.c.next_at <= bindparam("now"),
        or_(sessions.c.lease_until.is_(None), sessions.c.lease_until <= bindparam("now")),
    )
    .values(
        epoch=sessions.c.epoch + 1,
        lease_owner=bindparam("by"),
        lease_until=bindparam("until"),
        next_at=bindparam("until"),
    )
)
_RENEW_LEASE = Prepared(
    update(sessions)
    .where(_of, sessions.c.epoch == bindparam("run"), sessions.c.lease_until > bindparam("now"))
    .values(lease_until=bindparam("until"), next_at=bindparam("until"))
)
_RELEASE_LEASE = Prepared(
    update(sessions)
    .where(
        _of,
        sessions.c.epoch == bindparam("run"),
        sessions.c.lease_until > bindparam("now"),
        sessions.c.status == SessionStatus.RUNNING.value,
    )
    .values(lease_until=None, lease_owner=None, next_at=bindparam("now"))
)
_WAKE = Prepared(
    update(sessions)
    .where(_of, sessions.c.status == SessionStatus.WAITING.value)
    .values(
        status=SessionStatus.RUNNING.value,
        next_at=bindparam("now"),
        updated_at=bindparam("now"),
        lease_until=None,
    )
)
_WAKE_AND_TAKE = Prepared(
    update(sessions)
    .where(_of, sessions.c.status == SessionStatus.WAITING.value)
    .values(
        status=SessionStatus.RUNNING.value,
        updated_at=bindparam("now"),
        epoch=sessions.c.epoch + 1,
        lease_owner=bindparam("by"),
        lease_until=bindparam("until"),
        next_at=bindparam("until"),
    )
)


@functools.cache
def _changing(names: tuple[str, ...]) -> Prepared:
    return Prepared(
        update(sessions)
        .where(
            _of,
            _running,
            sessions.c.epoch == bindparam("run"),
            sessions.c.lease_until > bindparam("now"),
        )
        .values({name: bindparam(name) for name in (*names, "updated_at")})
    )
