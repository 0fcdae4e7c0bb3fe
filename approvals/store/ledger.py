"""Queries on the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from countersign.approvals.audit.ledger import entry_hash
from countersign.approvals.audit.seals import Head
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import JsonObject, LedgerEntry, SessionId
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.prepared import Parameters, Prepared, insertion
from countersign.approvals.store.schema import ledger, sessions


def head(connection: Connection, session_id: str) -> Head:
    """Sequence number and hash of the session's last entry. Raises NotFoundError."""
    return _head_of(_HEAD.first(connection, of=session_id), session_id)


def locked_head(unit: Unit, session_id: str) -> Head:
    """`head`, locked to append to it: read once in a unit."""
    if session_id not in unit.heads:
        row = _LOCKED_HEAD.first(unit.connection, of=session_id)
        unit.heads[session_id] = _head_of(row, session_id)
    return unit.heads[session_id]


def append(unit: Unit, session_id: SessionId, *entries: tuple[str, JsonObject]) -> None:
    """Link (kind, body) pairs to the session's chain, in this transaction, with what it has
    changed in the session's rows before."""
    before = locked_head(unit, session_id)
    told = changes.with_rows(unit, session_id, entries)
    rows, (seq, last_hash) = linked(before, session_id, unit.now, told)
    insert(unit, rows)
    _MOVE_HEAD.run(unit.connection, of=session_id, seq=seq, hash=last_hash)


def linked(
    before: Head,
    session_id: SessionId,
    at: datetime,
    entries: Iterable[tuple[str, JsonObject]],
) -> tuple[list[Parameters], Head]:
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


def insert(unit: Unit, rows: Iterable[Parameters]) -> None:
    """Write rows from `linked`. The caller has locked the head that they follow, and moves it."""
    for row in rows:
        _INSERT.run(unit.connection, **row)
        new = (row["seq"], row["hash"])
        unit.heads[row["session_id"]] = unit.moved[row["session_id"]] = new


def entries(connection: Connection, session_id: str) -> list[LedgerEntry]:
    """A session's entries by sequence number."""
    query = select(ledger).where(ledger.c.session_id == session_id).order_by(ledger.c.seq)
    return [codec.ledger_entry(row) for row in connection.execute(query)]


def since(connection: Connection, session_id: str, seq: int) -> Sequence[Sequence[Any]]:
    """The rows of a session's entries from `seq` on: the columns of `EVIDENCE`, by number."""
    return _SINCE.all(connection, of=session_id, first=seq)


def owner(connection: Connection, session_id: str) -> str | None:
    """Whose session it is, by its first entry; None if there is no such entry."""
    row = _FIRST.first(connection, of=session_id)
    return None if row is None else codec.loads(row[0]).get("owner")


EVIDENCE = (
    ledger.c.seq,
    ledger.c.at,
    ledger.c.kind,
    ledger.c.body,
    ledger.c.prev_hash,
    ledger.c.hash,
)


@dataclass(frozen=True)
class Chain:
    """What is stored of one session: `rows` by sequence number, and where they should end; None if
    the session itself is gone."""

    session_id: SessionId
    head: Head | None
    rows: list[Row[Any]]


def chain_of(connection: Connection, session_id: SessionId) -> Chain:
    """The chain of a session that there is."""
    query = select(ledger).where(ledger.c.session_id == session_id).order_by(ledger.c.seq)
    rows = list(connection.execute(query))
    return Chain(session_id, head(connection, session_id), rows)


def chains(connection: Connection, after: str, *, limit: int) -> list[Chain]:
    """The chains whose session ids follow `after`, by id: those of `limit` sessions, and of
    sessions in between that are gone. None are left if there are none."""
    columns = sessions.c.id, sessions.c.ledger_seq, sessions.c.ledger_head
    query = select(*columns).where(sessions.c.id > after).order_by(sessions.c.id).limit(limit)
    ends = {row[0]: (row[1], row[2]) for row in connection.execute(query)}
    entries = select(ledger).where(ledger.c.session_id > after)
    if len(ends) == limit:
        entries = entries.where(ledger.c.session_id <= max(ends))
    found: dict[str, list[Row[Any]]] = {session_id: [] for session_id in ends}
    for row in connection.execute(entries.order_by(ledger.c.session_id, ledger.c.seq)):
        found.setdefault(row.session_id, []).append(row)
    return [Chain(SessionId(id_), ends.get(id_), found[id_]) for id_ in sorted(found)]


def _head_of(row: Sequence[Any] | None, session_id: str) -> Head:
    if row is None:
        raise NotFoundError(f"There is no session {session_id}.")
    return row[0], row[1]


_of = sessions.c.id == bindparam("of")
_head = select(sessions.c.ledger_seq, sessions.c.ledger_head).where(_of)
_HEAD = Prepared(_head)
_LOCKED_HEAD = Prepared(_head.with_for_update())
_MOVE_HEAD = Prepared(
    update(sessions).where(_of).values(ledger_seq=bindparam("seq"), ledger_head=bindparam("hash"))
)
_INSERT = insertion(ledger)
_FIRST = Prepared(
    select(ledger.c.body).where(ledger.c.session_id == bindparam("of"), ledger.c.seq == 1)
)
_SINCE = Prepared(
    select(*EVIDENCE)
    .where(ledger.c.session_id == bindparam("of"), ledger.c.seq >= bindparam("first"))
    .order_by(ledger.c.seq)
)
