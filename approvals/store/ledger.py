"""Queries on the ledger."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from approvals.errors import NotFoundError
from approvals.ledger import link
from approvals.models import JsonObject, LedgerEntry, SessionId
from approvals.store import codec
from approvals.store.prepared import Prepared, insertion
from approvals.store.schema import ledger, sessions


def head(connection: Connection, session_id: str, *, lock: bool = False) -> tuple[int, str]:
    """Sequence number and hash of the session's last entry; `lock` it to append."""
    row = (_LOCKED_HEAD if lock else _HEAD).first(connection, of=session_id)
    if row is None:
        raise NotFoundError(f"There is no session {session_id}.")
    return row[0], row[1]


def append(
    connection: Connection,
    session_id: SessionId,
    at: datetime,
    *entries: tuple[str, JsonObject],
) -> None:
    """Link (kind, body) pairs to the session's chain, in this transaction."""
    if not entries:
        return
    seq, prev_hash = add(
        connection, head(connection, session_id, lock=True), session_id, at, *entries
    )
    _MOVE_HEAD.run(connection, of=session_id, seq=seq, hash=prev_hash)


def add(
    connection: Connection,
    previous: tuple[int, str],
    session_id: SessionId,
    at: datetime,
    *entries: tuple[str, JsonObject],
) -> tuple[int, str]:
    """Link (kind, body) pairs to the head `previous`, which the caller has locked; returns the new
    head, which the caller writes."""
    seq, prev_hash = previous
    for kind, body in entries:
        entry = link((seq, prev_hash), session_id=session_id, at=at, kind=kind, body=body)
        seq, prev_hash = entry.seq, entry.hash
        _INSERT.run(
            connection,
            session_id=session_id,
            seq=seq,
            at=codec.to_text(at),
            kind=kind,
            body=codec.dumps(body),
            prev_hash=entry.prev_hash,
            hash=entry.hash,
        )
    return seq, prev_hash


def entries(connection: Connection, session_id: str) -> list[LedgerEntry]:
    """A session's entries by sequence number."""
    query = select(ledger).where(ledger.c.session_id == session_id).order_by(ledger.c.seq)
    return [codec.ledger_entry(row) for row in connection.execute(query)]


def without_session(connection: Connection) -> list[str]:
    """The ids of sessions that have entries, but no row of their own any more."""
    known = select(sessions.c.id)
    query = select(ledger.c.session_id).where(ledger.c.session_id.not_in(known)).distinct()
    return sorted(connection.scalars(query))


_of = sessions.c.id == bindparam("of")
_head = select(sessions.c.ledger_seq, sessions.c.ledger_head).where(_of)
_HEAD = Prepared(_head)
_LOCKED_HEAD = Prepared(_head.with_for_update())
_MOVE_HEAD = Prepared(
    update(sessions).where(_of).values(ledger_seq=bindparam("seq"), ledger_head=bindparam("hash"))
)
_INSERT = insertion(ledger)
