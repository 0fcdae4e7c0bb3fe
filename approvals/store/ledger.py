"""Queries on the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from approvals.errors import NotFoundError
from approvals.ledger import chain
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
    before = head(connection, session_id, lock=True)
    linked, (seq, last_hash) = chain(before, session_id=session_id, at=at, entries=entries)
    insert(connection, linked)
    _MOVE_HEAD.run(connection, of=session_id, seq=seq, hash=last_hash)


def insert(connection: Connection, linked: Iterable[LedgerEntry]) -> None:
    """Write entries that follow the session's head, which the caller has locked and moves."""
    for entry in linked:
        _INSERT.run(
            connection,
            session_id=entry.session_id,
            seq=entry.seq,
            at=codec.to_text(entry.at),
            kind=entry.kind,
            body=codec.dumps(entry.body),
            prev_hash=entry.prev_hash,
            hash=entry.hash,
        )


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
