"""Who runs a session: one process at a time, by a lease with an epoch that fences its writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from countersign.approvals.errors import LostLeaseError
from countersign.approvals.models import (
    CheckpointId,
    Session,
    SessionId,
    SessionStatus,
    StoredChat,
)
from countersign.approvals.ports import NewLease, Unit
from countersign.approvals.store import codec, ledger
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.pauses import ANY_ACTIVE
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.requests import IS_SHOWN
from countersign.approvals.store.schema import requests, sessions
from countersign.approvals.store.sessions import (
    BEGUN,
    begun,
    found,
)


def take_lease(
    connection: Connection,
    session_id: str,
    *,
    owner: str,
    now: datetime,
    lease_s: float,
) -> tuple[Session, int, StoredChat | None] | None:
    """Make this process the one that runs the session; None if it is not due or not free.

    Returns the session, the epoch, which fences every later write, and the chat's state. `next_at`
    moves to the end of the lease, so a sweep finds the session again if this process dies.
    """
    until = codec.to_text(now + timedelta(seconds=lease_s))
    rows = _TAKE_LEASE.all(connection, of=session_id, now=codec.to_text(now), by=owner, until=until)
    return begun(connection, rows)


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


def holds_lease(unit: Unit, session_id: str, epoch: int, request_id: str | None = None) -> bool:
    """Whether the run of `epoch` still holds the session; for a write. Nobody takes it before the
    transaction has ended. A request that is asked for next is read with it where that can be."""
    held, _ = _lease(unit, session_id, epoch, request_id)
    return held


def require_lease(
    unit: Unit, session_id: str, epoch: int, request_id: str | None = None
) -> CheckpointId | None:
    """The open checkpoint of the session. Raises LostLeaseError unless `holds_lease`."""
    held, checkpoint_id = _lease(unit, session_id, epoch, request_id)
    if not held:
        raise LostLeaseError(f"Session {session_id} is no longer run by epoch {epoch}.")
    return checkpoint_id


def hold(unit: Unit, session_id: str, epoch: int, *, pause: str, error: str) -> None:
    """Give the lease of this run back until a pause ends; `error` says which. Raises LostLeaseError
    if another run began since."""
    session_rows.change(
        unit,
        session_id,
        epoch,
        held_by=pause,
        error=error,
        attempts=0,
        next_at=None,
        lease_until=None,
        lease_owner=None,
    )


def let_go(unit: Unit, pause: str, *, limit: int) -> list[SessionId]:
    """Make due some of the sessions that a pause holds; returns their ids."""
    held = select(sessions.c.id).where(sessions.c.held_by == pause).order_by(sessions.c.id)
    ids = [SessionId(row[0]) for row in unit.connection.execute(held.limit(limit))]
    unit.connection.execute(
        update(sessions)
        .where(sessions.c.id.in_(ids), sessions.c.held_by == pause)
        .values(held_by=None, error=None, next_at=codec.to_text(unit.now))
    )
    return ids


def _lease(
    unit: Unit, session_id: str, epoch: int, request_id: str | None
) -> tuple[bool, CheckpointId | None]:
    if unit.left is not None:  # compared once it writes
        return True, None
    if request_id is None or unit.connection.dialect.name == "postgresql":
        # There the lock comes first: what is read with it may be of before it was had.
        row = _LEASE.first(unit.connection, of=session_id)
    else:
        row = _with_request(unit, session_id, request_id)
    held_epoch, status, until, seq, last_hash, checkpoint_id = found(row, session_id)
    unit.heads.setdefault(session_id, (seq, last_hash))
    held = held_epoch == epoch and status == SessionStatus.RUNNING
    in_time = until is not None and until > codec.to_text(unit.now)
    return held and in_time, checkpoint_id


def _with_request(unit: Unit, session_id: str, request_id: str) -> Sequence[Any] | None:
    """The lease; the unit knows the request from then on, where it is shown and what is paused."""
    both = _LEASE_AND_REQUEST.first(unit.connection, of=session_id, request=request_id)
    if both is None:
        return None
    is_shown, is_paused, *row = both[_LEASE_COLUMNS:]
    if row[_ID] is not None:
        unit.rows[request_id] = row
        if not is_shown:
            unit.unshown.add(request_id)
    unit.is_unpaused = not is_paused
    return both[:_LEASE_COLUMNS]


def wake_and_take(
    unit: Unit, session_id: str, lease: NewLease
) -> tuple[Session, int, StoredChat | None] | None:
    """`wake` and `take_lease` in one: the session, its epoch, its chat's state. None, and nothing
    is changed, if it does not wait."""
    seq, last_hash = ledger.locked_head(unit, session_id)
    rows = _WAKE_AND_TAKE.all(
        unit.connection,
        of=session_id,
        now=codec.to_text(unit.now),
        by=lease.owner,
        until=codec.to_text(lease.until),
        seq=seq,
        hash=last_hash,
    )
    if rows:
        unit.unwritten.discard(session_id)
    return begun(unit.connection, rows)


_of = sessions.c.id == bindparam("of")
_running = sessions.c.status == SessionStatus.RUNNING.value
_lease_columns = (
    sessions.c.epoch,
    sessions.c.status,
    sessions.c.lease_until,
    sessions.c.ledger_seq,
    sessions.c.ledger_head,
    sessions.c.checkpoint_id,
)
_LEASE_COLUMNS = len(_lease_columns)
_ID = requests.c.keys().index("id")
_LEASE = Prepared(select(*_lease_columns).where(_of).with_for_update())
_LEASE_AND_REQUEST = Prepared(
    select(*_lease_columns, IS_SHOWN, ANY_ACTIVE, *requests.c)
    .outerjoin(requests, requests.c.id == bindparam("request"))
    .where(_of)
)
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
    .returning(*BEGUN)
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
_WAKE_AND_TAKE = Prepared(
    update(sessions)
    .where(_of, sessions.c.status == SessionStatus.WAITING.value)
    .values(
        status=SessionStatus.RUNNING.value,
        updated_at=bindparam("now"),
        ledger_seq=bindparam("seq"),
        ledger_head=bindparam("hash"),
        epoch=sessions.c.epoch + 1,
        lease_owner=bindparam("by"),
        lease_until=bindparam("until"),
        next_at=bindparam("until"),
    )
    .returning(*BEGUN)
)
