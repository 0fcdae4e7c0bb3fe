"""Queries on seals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, tuple_

from countersign.approvals.audit.ledger import GENESIS, GOVERNANCE, chain_name
from countersign.approvals.audit.seals import SEALS, Head, Seal, tree_seal_hash
from countersign.approvals.models import SessionStatus
from countersign.approvals.store import archived, codec, governance
from countersign.approvals.store.schema import ledger, ledger_seals, sessions
from countersign.approvals.store.tree import StoredTree, has_leaf

_LOCK_KEY = 0x5EA1
"""Of PostgreSQL's advisory lock: one process seals at a time."""
_AT_ONCE = 200
"""Heads that are looked up in one query."""
_MARGIN = timedelta(minutes=1)
"""Machines' clocks may differ by so much."""
_LEFT = 2000
"""Sessions of one status that the first seal of a process looks at."""


def last(connection: Connection) -> Seal | None:
    """The newest seal. Nobody else seals before this transaction has ended."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_KEY)))
    found = page(connection, 0, limit=1, newest=True)
    return found[0] if found else None


def page(connection: Connection, after: int, *, limit: int, newest: bool = False) -> list[Seal]:
    """The seals that follow number `after`. Raises ValueError for what is not as we write it."""
    order = ledger_seals.c.number.desc() if newest else ledger_seals.c.number
    query = select(ledger_seals).where(ledger_seals.c.number > after).order_by(order).limit(limit)
    return [_seal(row) for row in connection.execute(query)]


def _seal(row: Row[Any]) -> Seal:
    at, heads = codec.from_text(row.at), codec.loads(row.heads)
    if (codec.to_text(at), codec.dumps(heads)) != (row.at, row.heads):
        raise ValueError(f"seal {row.number} is not written as we write")
    of = {name: getattr(row, name) for name in ("number", "prev_hash", "hash", "size", "root")}
    return Seal(at=at, heads=heads, **of)


def add(
    connection: Connection, before: Seal | None, heads: Mapping[str, Head], now: datetime
) -> Seal:
    """Seal these heads; `before` is the newest seal."""
    number, prev_hash = (1, GENESIS) if before is None else (before.number + 1, before.hash)
    tree = StoredTree(connection)
    size = tree.add(0 if before is None else before.size, sorted(heads.items()))
    root = tree.root(size).hex()
    seal = Seal(
        number=number,
        at=now,
        heads={},
        prev_hash=prev_hash,
        hash=tree_seal_hash(number, now, size, root, prev_hash),
        size=size,
        root=root,
    )
    columns = {**seal.model_dump(), "at": codec.to_text(now), "heads": codec.dumps({})}
    connection.execute(ledger_seals.insert().values(columns))
    return seal


def of_size(connection: Connection, size: int) -> Seal | None:
    """The seal of the tree when it had this size."""
    row = connection.execute(select(ledger_seals).where(ledger_seals.c.size == size)).first()
    return None if row is None else _seal(row)


def heads_after(connection: Connection, after: str, *, limit: int) -> dict[str, Head]:
    """Where the chains end of the next sessions after this id."""
    columns = sessions.c.id, sessions.c.ledger_seq, sessions.c.ledger_head
    query = select(*columns).where(sessions.c.id > after).order_by(sessions.c.id).limit(limit)
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def is_older_than_its_tree(connection: Connection) -> bool:
    """Whether there are seals of before there was a tree, and it does not cover them yet."""
    first = select(ledger_seals.c.size).where(ledger_seals.c.number == 1)
    return connection.execute(first).scalar() == 0 and not has_leaf(connection, SEALS)


def older_end(connection: Connection) -> Head:
    """Number and hash of the last seal of before there was a tree."""
    columns = ledger_seals.c.number, ledger_seals.c.hash
    query = select(*columns).where(ledger_seals.c.size == 0)
    row = connection.execute(query.order_by(ledger_seals.c.number.desc()).limit(1)).first()
    return (0, GENESIS) if row is None else (row[0], row[1])


def left(connection: Connection, before: Seal | None) -> dict[str, Head]:
    """Where the chains stand of sessions that were begun after the newest seal, which a process
    that was killed has left unsealed; where there is no seal yet, of the newest sessions. And that
    of governance, if it has moved since."""
    columns = sessions.c.id, sessions.c.ledger_seq, sessions.c.ledger_head
    found: dict[str, Head] = {}
    moved = governance.head_since(connection, None if before is None else before.at - _MARGIN)
    if moved is not None:
        found[GOVERNANCE] = moved
    for status in SessionStatus:  # the index begins with it
        query = select(*columns).where(sessions.c.status == status.value)
        if before is not None:
            since = codec.to_text(before.at - _MARGIN)
            query = query.where(sessions.c.created_at >= since)
        query = query.order_by(sessions.c.created_at.desc()).limit(_LEFT)
        found.update({row[0]: (row[1], row[2]) for row in connection.execute(query)})
    return found


def untrue(connection: Connection, sealed: Sequence[tuple[str, Head]], seal: Seal) -> Iterator[str]:
    """Which of the chains that a seal has sealed are not, or no longer, as they were sealed."""
    for first in range(0, len(sealed), _AT_ONCE):
        some = sealed[first : first + _AT_ONCE]
        keys = [(session_id, head[0]) for session_id, head in some]
        query = select(ledger.c.session_id, ledger.c.seq, ledger.c.hash).where(
            tuple_(ledger.c.session_id, ledger.c.seq).in_(keys)
        )
        found = {(row[0], row[1]): row[2] for row in connection.execute(query)}
        for session_id, seq in keys:
            if session_id == GOVERNANCE and (own := governance.hash_of(connection, seq)):
                found[session_id, seq] = own
            if session_id == SEALS and (own := _hash_of(connection, seq)):
                found[session_id, seq] = own
        gone = {session_id for session_id, seq in keys if (session_id, seq) not in found}
        elsewhere = archived.ends(connection, gone) if gone else {}
        for session_id, (seq, own_hash) in some:
            actual = found.get((session_id, seq))
            if actual is None and seq <= elsewhere.get(session_id, (0, ""))[0]:
                if seq == elsewhere[session_id][0] and own_hash != elsewhere[session_id][1]:
                    yield f"session {session_id}: was archived with another end than was sealed"
            elif actual is None:
                yield (
                    f"{chain_name(session_id)}: entry {seq}, which seal {seal.number} of "
                    f"{seal.at:%Y-%m-%d %H:%M:%S UTC} names, is gone"
                )
            elif actual != own_hash:
                name = chain_name(session_id)
                yield f"{name}: entry {seq} is not the one of seal {seal.number}"


def _hash_of(connection: Connection, number: int) -> str | None:
    query = select(ledger_seals.c.hash).where(ledger_seals.c.number == number)
    found: str | None = connection.execute(query).scalar()
    return found
