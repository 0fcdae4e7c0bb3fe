"""Queries on sessions and their run leases."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, update

from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.audit.seals import Head
from countersign.approvals.errors import LostLeaseError, MovedOnError, NotFoundError
from countersign.approvals.models import RequestStatus, Session, SessionStatus, StoredChat
from countersign.approvals.ports import NewLease, Unit
from countersign.approvals.store import archived, changes, chat_states, codec, ledger
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import requests, sessions

LIVE = (SessionStatus.RUNNING, SessionStatus.WAITING)
FIRST_EPOCH = 1
COLUMNS = [*(sessions.c[name] for name in codec.SESSION), sessions.c.epoch, sessions.c.attempts]
_LATER = ("checkpoint_id", "snapshot", "answer", "error", "cause", "attempts", "chunks", "held_by")
_NEW = [column.name for column in sessions.c if column.name not in _LATER]
BEGUN = (*COLUMNS, *chat_states.READ)
WITH_HEAD = (*COLUMNS, sessions.c.ledger_seq, sessions.c.ledger_head)
LOCKED = (sessions.c.id, sessions.c.ledger_seq, sessions.c.ledger_head)
_EPOCH, _ATTEMPTS, _CHAT_TOO = (len(codec.SESSION) + n for n in range(3))


TOLD = frozenset(
    {
        *("workflow", "workflow_version", "task", "owner", "status", "conversation"),
        *("idempotency_key", "created_at", "checkpoint_id", "snapshot", "chunks"),
        *("answer", "error", "cause", "undoes", "undoing"),
    }
)
"""The columns that the ledger tells of; the rest is of the run and its lease."""


def insert(
    connection: Connection,
    session: Session,
    *,
    idempotency_key: str | None,
    next_at: datetime,
    head: Head = (0, GENESIS),
    lease: NewLease | None = None,
) -> None:
    """Add a session that is due at `next_at`, or leased at once: then it is due when `lease` ends.

    `head` is the sequence number and hash of the last of the ledger entries that follow, which say
    what `first_columns` gives.
    """
    until = None if lease is None else codec.to_text(lease.until)
    _INSERT.run(
        connection,
        id=session.id,
        **first_columns(session, idempotency_key),
        updated_at=codec.to_text(session.updated_at),
        next_at=until or codec.to_text(next_at),
        epoch=0 if lease is None else FIRST_EPOCH,
        lease_owner=None if lease is None else lease.owner,
        lease_until=until,
        ledger_seq=head[0],
        ledger_head=head[1],
    )


def first_columns(session: Session, idempotency_key: str | None) -> dict[str, Any]:
    """Of a new session: what the ledger tells of."""
    return {
        "workflow": session.workflow,
        "workflow_version": session.workflow_version,
        "task": session.task,
        "owner": session.owner,
        "status": session.status.value,
        "conversation": session.conversation,
        "idempotency_key": idempotency_key,
        "created_at": codec.to_text(session.created_at),
        "undoes": session.undoes,
        "undoing": codec.model_or_none(session.undoing),
        **dict.fromkeys(("checkpoint_id", "snapshot", "answer", "error", "cause")),
    }


def lock(unit: Unit, session_id: str) -> None:
    """Let no other transaction change this session or its requests before this one has ended.

    Taken before any other row, so that two transactions never wait for each other. SQLite has one
    writer: there is nothing to wait for.
    """
    if unit.connection.dialect.name == "postgresql":
        locked(unit, _LOCK.first(unit.connection, of=session_id))


def locked(unit: Unit, row: Sequence[Any] | None) -> None:
    """What `lock` has found: id and head of the session, if there is one. What the unit knows
    already may not be written yet."""
    if row is not None:
        unit.heads.setdefault(row[0], (row[1], row[2]))


def key_of(connection: Connection, session_id: str) -> str | None:
    """The key that a session was started with."""
    query = select(sessions.c.idempotency_key).where(sessions.c.id == session_id)
    found: str | None = connection.execute(query).scalar()
    return found


def by_key(connection: Connection, idempotency_key: str) -> Session | None:
    """The session that was started with this key. Nobody else starts one with it before this
    transaction has ended."""
    if connection.dialect.name == "postgresql":
        key_hash = func.hashtextextended(idempotency_key, 0)
        connection.execute(select(func.pg_advisory_xact_lock(key_hash)))
    return of_key(connection, idempotency_key)


def of_key(connection: Connection, idempotency_key: str) -> Session | None:
    """The session that was started with this key."""
    row = _BY_KEY.first(connection, key=idempotency_key)
    return None if row is None else codec.session(row)


def get(connection: Connection, session_id: str) -> Session:
    """The session. Raises NotFoundError."""
    return codec.session(_row(connection, session_id))


def of_row(unit: Unit, row: Sequence[Any]) -> Session:
    """The session whose columns `WITH_HEAD` these are; the unit has locked it, and knows the end of
    its chain from then on."""
    unit.heads.setdefault(row[0], (row[-2], row[-1]))
    return codec.session(row)


def chat(connection: Connection, session_id: str) -> StoredChat | None:
    """The stored state of the chat; None if there is none yet. Raises NotFoundError."""
    row = found(_CHAT.first(connection, of=session_id), session_id)
    return chat_states.of(connection, session_id, row)


def change(unit: Unit, session_id: str, epoch: int, **values: Any) -> None:
    """Write columns as the run of `epoch`. Raises LostLeaseError if another run began since,
    MovedOnError if the unit has gone on from what is so no more."""
    at = codec.to_text(unit.now)
    values["updated_at"] = at
    statement, was = _changing, {"run": epoch}
    if unit.left is not None:
        statement, was = _ending, ledger.from_left(unit.left)
    given = {"of": session_id, "now": at, **was, **values}
    if statement(tuple(values)).run(unit.connection, **given) != 1:
        if unit.left is not None:
            raise MovedOnError(f"Session {session_id} has moved on.")
        raise LostLeaseError(f"Session {session_id} is no longer run by epoch {epoch}.")
    unit.left = None
    if "ledger_head" in values:
        unit.unwritten.discard(session_id)


def note(unit: Unit, session_id: str, columns: Mapping[str, Any]) -> None:
    """Let the next ledger entry of the session say what these columns hold now."""
    said = {name: value for name, value in columns.items() if name in TOLD}
    changes.note(unit, session_id, "sessions", [session_id], said)


def wake(unit: Unit, session_id: str) -> None:
    """Let a session go on if it waits."""
    _WAKE.run(unit.connection, of=session_id, now=codec.to_text(unit.now))


def wait(unit: Unit, session_id: str) -> None:
    """Let a session that goes on wait for people again, whoever runs it: the epoch moves on, so the
    run that may be under way loses its lease."""
    unit.connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.status == SessionStatus.RUNNING.value)
        .values(
            status=SessionStatus.WAITING.value,
            epoch=sessions.c.epoch + 1,
            lease_until=None,
            next_at=None,
            held_by=None,
            attempts=0,
            error=None,
            updated_at=codec.to_text(unit.now),
        )
    )


def cancel(unit: Unit, session_id: str, *, error: str, cause: str) -> bool:
    """End a live session, whoever runs it; False if it was over. The epoch moves on, so the run
    that may be under way loses its lease."""
    end = {"status": SessionStatus.CANCELLED.value, "error": error, "cause": cause}
    cancelled = unit.connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id, sessions.c.status.in_([s.value for s in LIVE]))
        .values(
            **end,
            epoch=sessions.c.epoch + 1,
            lease_until=None,
            next_at=None,
            updated_at=codec.to_text(unit.now),
        )
    )
    if cancelled.rowcount == 1:
        note(unit, session_id, end)
    return cancelled.rowcount == 1


def attempts(connection: Connection, session_id: str) -> int:
    """How often the current step has been parked."""
    return int(_row(connection, session_id)[_ATTEMPTS])


def begun(
    connection: Connection, rows: Sequence[Sequence[Any]]
) -> tuple[Session, int, StoredChat | None] | None:
    """The session, the epoch of its run and its chat's state, from what a change of the session has
    returned as `BEGUN`; None if nothing was changed."""
    for row in rows:
        state = chat_states.of(connection, row[0], row[_CHAT_TOO:])
        return codec.session(row), row[_EPOCH], state
    return None


def _row(connection: Connection, session_id: str) -> Sequence[Any]:
    row = _GET.first(connection, of=session_id)
    if row is None:
        raise archived.no_session(connection, session_id)
    return row


def found(row: Sequence[Any] | None, session_id: str) -> Sequence[Any]:
    """The row. Raises NotFoundError if there is none."""
    if row is None:
        raise NotFoundError(f"There is no session {session_id}.")
    return row


_of = sessions.c.id == bindparam("of")
_running = sessions.c.status == SessionStatus.RUNNING.value
_INSERT = Prepared(
    sessions.insert().values(
        {name: bindparam(name) for name in _NEW} | {"attempts": 0, "chunks": 0}
    )
)
_GET = Prepared(select(*COLUMNS).where(_of))
_BY_KEY = Prepared(select(*COLUMNS).where(sessions.c.idempotency_key == bindparam("key")))
_CHAT = Prepared(select(*chat_states.READ).where(_of))
_LOCK = Prepared(select(*LOCKED).where(_of).with_for_update())
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
        .values({name: bindparam(name) for name in names})
    )


@functools.cache
def _ending(names: tuple[str, ...]) -> Prepared:
    """Of a session that is as its run has left it, with nothing in it that waits or may run."""
    status = requests.c.status
    is_open = select(requests.c.id).where(
        requests.c.session_id == sessions.c.id,
        or_(status == RequestStatus.PENDING.value, status == RequestStatus.APPROVED.value),
    )
    return Prepared(
        update(sessions)
        .where(_of, *ledger.IS_AS_LEFT, ~is_open.exists())
        .values({name: bindparam(name) for name in names})
    )
