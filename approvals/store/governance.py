"""Queries on the governance ledger: the chain of what belongs to no session."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, func, literal, select

from countersign.approvals.audit.ledger import GENESIS, GOVERNANCE, hash_as_written
from countersign.approvals.audit.seals import Head
from countersign.approvals.models import Governance, LedgerEntry, SessionsArchived
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.ledger import Chain, linked
from countersign.approvals.store.schema import governance

G = TypeVar("G", bound=Governance)
_LOCK_KEY = 0x60BE
"""Of PostgreSQL's advisory lock: one transaction adds to the chain at a time."""


def append(unit: Unit, *entries: Governance) -> None:
    """Link entries to the chain, in this transaction, with what it has changed in the rows that
    the chain tells of before. Nobody else adds to it before the transaction has ended."""
    before = _locked_head(unit)
    told = [(entry.kind, entry.model_dump(mode="json")) for entry in entries]
    rows, end = linked(before, GOVERNANCE, unit.now, changes.with_rows(unit, GOVERNANCE, told))
    columns = [{name: row[name] for name in row if name in governance.c} for row in rows]
    unit.connection.execute(governance.insert(), columns)
    unit.heads[GOVERNANCE] = unit.moved[GOVERNANCE] = end


def head(connection: Connection) -> Head:
    """Sequence number and hash of the last entry."""
    row = connection.execute(_LAST).first()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def head_since(connection: Connection, since: datetime | None) -> Head | None:
    """`head`, if the last entry was written since then."""
    row = connection.execute(_LAST).first()
    if row is None or (since is not None and row.at < codec.to_text(since)):
        return None
    return row.seq, row.hash


def hash_of(connection: Connection, seq: int) -> str | None:
    """The hash of one entry; None if there is no such entry."""
    found: str | None = connection.execute(
        select(governance.c.hash).where(governance.c.seq == seq)
    ).scalar()
    return found


def entries(
    connection: Connection, *, after: int = 0, limit: int | None = None
) -> list[LedgerEntry]:
    """The entries that follow number `after`, oldest first. Raises ValueError for one that is not
    as we write it."""
    query = ALL.where(governance.c.seq > after).limit(limit)
    return [codec.ledger_entry(row) for row in connection.execute(query)]


def chain(connection: Connection) -> Chain:
    """All that is stored of it, as it is."""
    rows: list[Row[Any]] = list(connection.execute(ALL))
    return Chain(GOVERNANCE, head(connection), rows)


def newest(unit: Unit, kind: type[G]) -> G | None:
    """The newest entry of a kind. Nobody else adds one before the transaction has ended."""
    _locked_head(unit)
    query = select(governance.c.body).where(governance.c.kind == kind.kind)
    text = unit.connection.execute(query.order_by(governance.c.seq.desc()).limit(1)).scalar()
    if text is None:
        return None
    body = codec.loads(text)
    return kind.model_validate({name: body[name] for name in kind.model_fields})


def about(connection: Connection, member: str, name: str) -> list[LedgerEntry]:
    """The entries whose body says `name` as `member`, each with its own hash and linked to the one
    before. Raises ValueError for one that is not as we wrote it."""
    pattern = f'"{member}":{codec.dumps(name)}'
    query = ALL.where(governance.c.body.contains(pattern, autoescape=True))
    found = [codec.ledger_entry(row) for row in connection.execute(query)]
    found = [entry for entry in found if entry.body.get(member) == name]
    for entry in found:
        before = GENESIS if entry.seq == 1 else hash_of(connection, entry.seq - 1)
        if entry.prev_hash != before or entry.hash != hash_as_written(entry):
            raise ValueError(f"entry {entry.seq} was changed after it was written")
    return found


def archives(connection: Connection) -> set[str]:
    """The hashes of all files into which sessions were archived, restored or not."""
    query = select(governance.c.body).where(governance.c.kind == SessionsArchived.kind)
    return {codec.loads(text)["sha256"] for text in connection.execute(query).scalars()}


def locked(unit: Unit) -> None:
    """Nobody else adds to the chain before the transaction has ended."""
    _locked_head(unit)


def _locked_head(unit: Unit) -> Head:
    if GOVERNANCE not in unit.heads:
        lock(unit.connection, _LOCK_KEY)
        unit.heads[GOVERNANCE] = head(unit.connection)
    return unit.heads[GOVERNANCE]


def lock(connection: Connection, key: int) -> None:
    """Let nobody else have the lock before the transaction has ended: SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(key)))


_LAST = (
    select(governance.c.seq, governance.c.hash, governance.c.at)
    .order_by(governance.c.seq.desc())
    .limit(1)
)
ALL = select(literal(GOVERNANCE).label("session_id"), governance).order_by(governance.c.seq)
