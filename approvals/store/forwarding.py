"""Sealed entries of all chains in one order: that of the leaves of the tree, which only grows."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.models import LedgerEntry
from countersign.approvals.store import codec, governance
from countersign.approvals.store.schema import ledger
from countersign.approvals.store.schema import ledger_leaves as leaves


def page(connection: Connection, after: int, *, limit: int) -> tuple[list[LedgerEntry], int]:
    """The entries that the next leaves took in, and the number of leaves that are done with them;
    `after` leaves were done with before. Raises ValueError for an entry that is not as we wrote."""
    query = select(leaves.c.position, leaves.c.session_id, leaves.c.seq)
    query = query.where(leaves.c.position >= after).order_by(leaves.c.position).limit(limit)
    found: list[LedgerEntry] = []
    for position, session_id, seq in connection.execute(query).all():
        found += _entries(connection, session_id, _taken_in(connection, session_id, position), seq)
        after = position + 1
    return found, after


def _taken_in(connection: Connection, session_id: str, position: int) -> int:
    """Up to which entry of a chain earlier leaves stand for it."""
    query = select(func.coalesce(func.max(leaves.c.seq), 0))
    earlier = query.where(leaves.c.session_id == session_id, leaves.c.position < position)
    return int(connection.execute(earlier).scalar_one())


def _entries(
    connection: Connection, session_id: str, after: int, last: int
) -> Iterator[LedgerEntry]:
    if session_id == GOVERNANCE:
        yield from governance.entries(connection, after=after, limit=last - after)
        return
    query = select(ledger).where(
        ledger.c.session_id == session_id, ledger.c.seq > after, ledger.c.seq <= last
    )
    for row in connection.execute(query.order_by(ledger.c.seq)):
        yield codec.ledger_entry(row)
