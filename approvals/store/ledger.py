"""Queries on the ledger."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from approvals.ledger import link
from approvals.models import JsonObject, LedgerEntry, SessionId
from approvals.store import codec
from approvals.store.schema import ledger, sessions


def head(connection: Connection, session_id: str, *, lock: bool = False) -> tuple[int, str]:
    """Sequence number and hash of the session's last entry; `lock` it to append."""
    query = select(sessions.c.ledger_seq, sessions.c.ledger_head).where(sessions.c.id == session_id)
    row = connection.execute(query.with_for_update() if lock else query).one()
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
    seq, prev_hash = head(connection, session_id, lock=True)
    rows = []
    for kind, body in entries:
        entry = link((seq, prev_hash), session_id=session_id, at=at, kind=kind, body=body)
        seq, prev_hash = entry.seq, entry.hash
        rows.append(
            {
                "session_id": session_id,
                "seq": seq,
                "at": codec.to_text(at),
                "kind": kind,
                "body": codec.dumps(body),
                "prev_hash": entry.prev_hash,
                "hash": entry.hash,
            }
        )
    connection.execute(ledger.insert(), rows)
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(ledger_seq=seq, ledger_head=prev_hash)
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
