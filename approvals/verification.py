"""Checks chains: that of one session, or all of them, a page at a time however many there are."""

from __future__ import annotations

from sqlalchemy import Connection

from approvals.ledger import Verification, combine
from approvals.ledger import verify as verify_chain
from approvals.models import SessionId
from approvals.ports import Store
from approvals.store import codec
from approvals.store import ledger as rows

PAGE = 500
"""Sessions that are checked in one step; others use the store between two of them."""


async def verify_all(store: Store) -> Verification:
    """Check every session that there is, and that there is nothing of sessions that are gone."""
    total, after = Verification(entries=0), ""
    while True:
        found = await store.read(lambda c, after=after: rows.chains(c, after, limit=PAGE))  # type: ignore[misc]
        total = combine([total, *map(verified, found)])
        if not found:
            return total
        after = found[-1].session_id


def verify_one(connection: Connection, session_id: SessionId) -> Verification:
    """Check one session."""
    return verified(rows.chain_of(connection, session_id))


def verified(chain: rows.Chain) -> Verification:
    """What checking one chain finds."""
    if chain.head is None:
        problem = f"session {chain.session_id}: has entries, but the session itself is gone"
        return Verification(entries=0, problems=(problem,))
    try:
        entries = [codec.ledger_entry(row) for row in chain.rows]
    except ValueError as exc:  # not JSON, not a time, not a number: nothing that we wrote
        problem = f"session {chain.session_id}: an entry was changed and cannot be read: {exc}"
        return Verification(entries=chain.head[0], problems=(problem,))
    return verify_chain(chain.session_id, entries, chain.head)
