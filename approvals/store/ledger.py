"""Queries on the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from approvals.errors import NotFoundError
from approvals.ledger import entry_hash
from approvals.models import JsonObject, LedgerEntry, SessionId
from approvals.store import codec
from approvals.store.prepared import Parameters, Prepared, insertion
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
    rows, (seq, last_hash) = linked(before, session_id, at, entries)
    insert(connection, rows)
    _MOVE_HEAD.run(connection, of=session_id, seq=seq, hash=last_hash)


def linked(
    before: tuple[int, str],
    session_id: SessionId,
    at: datetime,
    entries: Iterable[tuple[str, JsonObject]],
) -> tuple[list[Parameters], tuple[int, str]]:
    """The rows of (kind, body) pairs that follow the head `before`, and the head after them."""
    seq, prev_hash = before
    rows: list[Parameters] = []
    at_text = codec.to_text(at)
    for kind, body in entries:
        seq += 1
        new_hash = entry_hash(
            session_id=session_id, seq=seq, at=at, kind=kind, body=body, prev_hash=prev_hash
        )
        rows.append(
            {
                "session_id": session_id,
                "seq": seq,
                "at": at_text,
                "kind": kind,
                "body": codec.dumps(body),
                "prev_hash": prev_hash,
                "hash": new_hash,
            }
        )
        prev_hash = new_hash
    return rows, (seq, prev_hash)


def insert(connection: Connection, rows: Iterable[Parameters]) -> None:
    """Write rows from `linked`. The caller has locked the head that they follow, and moves it."""
    _INSERT.run_each(connection, rows)


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
