"""Queries on the ledger."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, select, union_all, update
from sqlalchemy.exc import IntegrityError

from countersign.approvals.audit.canonical import canonical_json
from countersign.approvals.audit.fields import covered_text, private_in
from countersign.approvals.audit.ledger import commitment, header_hash, new_salt
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit.seals import Head
from countersign.approvals.errors import MovedOnError, NotFoundError
from countersign.approvals.models import JsonObject, LedgerEntry, SessionId, SessionStatus
from countersign.approvals.ports import Left, Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.prepared import Parameters, Prepared, insertion
from countersign.approvals.store.schema import ledger, sessions

AT_ONCE = 8
"""Entries that one statement inserts; more are handed to the driver as so many rows."""


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
    rows, _ = linked(before, session_id, unit.now, told, unit.moment.private)
    insert(unit, rows)
    unit.unwritten.add(session_id)


def end(unit: Unit) -> None:
    """A unit ends: where its chains end is written once. Raises IntegrityError if it has changed
    rows that no entry tells of, MovedOnError if it has gone on from what is so no more."""
    changes.require_told(unit)
    if unit.left is not None:
        _move_from(unit, unit.left)
    for session_id in sorted(unit.unwritten):
        seq, last_hash = unit.heads[session_id]
        _MOVE_HEAD.run(unit.connection, of=session_id, seq=seq, hash=last_hash)
    unit.unwritten.clear()


def _move_from(unit: Unit, left: Left) -> None:
    seq, last_hash = unit.heads[left.session_id]
    moved = _MOVE_FROM.run(
        unit.connection,
        of=left.session_id,
        seq=seq,
        hash=last_hash,
        **from_left(left),
        now=codec.to_text(unit.now),
    )
    if moved != 1:
        raise MovedOnError(f"Session {left.session_id} has moved on.")
    unit.unwritten.discard(left.session_id)
    unit.left = None


def linked(
    before: Head,
    session_id: SessionId,
    at: datetime,
    entries: Iterable[tuple[str, JsonObject]],
    private: Sequence[PrivateRule] = (),
) -> tuple[list[Parameters], Head]:
    """The rows of (kind, body) pairs that follow the head `before`, and the head after them; what
    one of the rules may call private is committed to on its own."""
    seq, prev_hash = before
    rows: list[Parameters] = []
    at_text = codec.to_text(at)
    for kind, body in entries:
        seq += 1
        text, salt = canonical_json(body).decode(), new_salt()
        salts = {pointer: new_salt() for pointer in private_in(body, private)} if private else {}
        committed = commitment(salt, covered_text(codec.loads(text), salts) if salts else text)
        new_hash = header_hash(session_id, seq, at_text, kind, committed, prev_hash)
        rows.append(
            {
                "session_id": session_id,
                "seq": seq,
                "at": at_text,
                "kind": kind,
                "body": text,
                "prev_hash": prev_hash,
                "hash": new_hash,
                "salt": salt,
                "commitment": committed,
                "fields": codec.dumps(salts) if salts else "",
            }
        )
        prev_hash = new_hash
    return rows, (seq, prev_hash)


def insert(unit: Unit, rows: Iterable[Parameters]) -> None:
    """Write rows from `linked`. The caller has locked the head that they follow, and moves it.
    Raises MovedOnError if it was not locked, but left by the run, and is so no more."""
    given = list(rows)
    try:
        if 0 < len(given) <= AT_ONCE:
            named = {f"{name}_{n}": row[name] for n, row in enumerate(given) for name in row}
            _inserting(len(given)).run(unit.connection, **named)
        else:
            _INSERT.run_each(unit.connection, given)
    except IntegrityError as exc:  # an entry stands there already
        if unit.left is None:
            raise
        raise MovedOnError(f"Session {unit.left.session_id} has moved on.") from exc
    for row in given:
        new = (row["seq"], row["hash"])
        unit.heads[row["session_id"]] = unit.moved[row["session_id"]] = new


def from_left(left: Left) -> dict[str, Any]:
    """The parameters of `IS_AS_LEFT`, but for `now`."""
    seq, last_hash = left.head
    return {"run": left.epoch, "was_seq": seq, "was_hash": last_hash}


def entries(connection: Connection, session_id: str) -> list[LedgerEntry]:
    """A session's entries by sequence number."""
    query = select(ledger).where(ledger.c.session_id == session_id).order_by(ledger.c.seq)
    return [codec.ledger_entry(row) for row in connection.execute(query)]


def since(connection: Connection, session_id: str, seq: int) -> Sequence[Sequence[Any]]:
    """The rows of a session's first entry and of those from `seq` on: the columns of `EVIDENCE`,
    by number."""
    return _SINCE.all(connection, of=session_id, first=seq)


EVIDENCE = (
    ledger.c.seq,
    ledger.c.at,
    ledger.c.kind,
    ledger.c.body,
    ledger.c.prev_hash,
    ledger.c.hash,
    ledger.c.salt,
    ledger.c.commitment,
    ledger.c.fields,
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


def _head_of(row: Sequence[Any] | None, session_id: str) -> Head:
    if row is None:
        raise NotFoundError(f"There is no session {session_id}.")
    return row[0], row[1]


_of = sessions.c.id == bindparam("of")
_head = select(sessions.c.ledger_seq, sessions.c.ledger_head).where(_of)
_HEAD = Prepared(_head)
_LOCKED_HEAD = Prepared(_head.with_for_update())
_to_head: dict[str, Any] = {"ledger_seq": bindparam("seq"), "ledger_head": bindparam("hash")}
_MOVE_HEAD = Prepared(update(sessions).where(_of).values(_to_head))
IS_AS_LEFT: tuple[ColumnElement[bool], ...] = (
    sessions.c.ledger_seq == bindparam("was_seq"),
    sessions.c.ledger_head == bindparam("was_hash"),
    sessions.c.epoch == bindparam("run"),
    sessions.c.status == SessionStatus.RUNNING.value,
    sessions.c.lease_until > bindparam("now"),
)
"""Whether a session is as a run has left it, and still its own."""
_MOVE_FROM = Prepared(update(sessions).where(_of, *IS_AS_LEFT).values(_to_head))
_since = select(*EVIDENCE).where(
    ledger.c.session_id == bindparam("of"), ledger.c.seq >= bindparam("first")
)
_before = select(*EVIDENCE).where(
    ledger.c.session_id == bindparam("of"), ledger.c.seq == 1, bindparam("first") > 1
)
_SINCE = Prepared(union_all(_before, _since).order_by("seq"))


_INSERT = insertion(ledger)


@functools.cache
def _inserting(count: int) -> Prepared:
    names = [column.name for column in ledger.c]
    rows: list[Parameters] = [
        {name: bindparam(f"{name}_{n}") for name in names} for n in range(count)
    ]
    return Prepared(ledger.insert().values(rows))
