"""Chains of the ledger as they stand, and what is wrong where one cannot be read."""

from __future__ import annotations

from sqlalchemy import Connection

from countersign.approvals.audit.ledger import Verification
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import (
    LedgerEntry,
    SessionId,
)
from countersign.approvals.store import governance as governance_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.verifying import verify_one


def entries_of(connection: Connection, session_id: str) -> list[LedgerEntry]:
    """A session's entries in order. Raises NotFoundError or IntegrityError."""
    session_rows.get(connection, session_id)
    try:
        return ledger_rows.entries(connection, session_id)
    except ValueError as exc:
        raise IntegrityError(
            f"The ledger of session {session_id} was changed and cannot be read: {exc}"
        ) from exc


def governance_of(connection: Connection, *, after: int, limit: int | None) -> list[LedgerEntry]:
    """The entries of what belongs to no session. Raises IntegrityError."""
    try:
        return governance_rows.entries(connection, after=after, limit=limit)
    except ValueError as exc:
        raise IntegrityError(
            f"The governance ledger was changed and cannot be read: {exc}"
        ) from exc


def verification_of(connection: Connection, session_id: SessionId) -> Verification:
    """What is wrong with the chain of a session. Raises NotFoundError."""
    session_rows.get(connection, session_id)
    return verify_one(connection, session_id)
