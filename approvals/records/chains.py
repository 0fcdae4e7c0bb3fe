"""Chains of the ledger as they stand, and what is wrong where one cannot be read."""

from __future__ import annotations

from sqlalchemy import Connection

from countersign.approvals.audit.ledger import Verification
from countersign.approvals.errors import IntegrityError, NotFoundError
from countersign.approvals.models import (
    LedgerEntry,
    Request,
    Session,
    SessionId,
)
from countersign.approvals.store import archived
from countersign.approvals.store import governance as governance_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.verifying import verify_one


def entries_of(connection: Connection, session_id: str) -> list[LedgerEntry]:
    """A session's entries in order. Raises NotFoundError or IntegrityError."""
    require_there(connection, session_id)
    try:
        return ledger_rows.entries(connection, session_id)
    except ValueError as exc:
        raise IntegrityError(
            f"The ledger of session {session_id} was changed and cannot be read: {exc}"
        ) from exc


def session_of(connection: Connection, session_id: str) -> Session:
    """One session. Raises NotFoundError, or IntegrityError for a row that is not as we wrote it."""
    try:
        return session_rows.get(connection, session_id)
    except ValueError as exc:
        raise _changed("session", session_id, session_id) from exc


def request_of(connection: Connection, request_id: str) -> Request:
    """`session_of` for a request."""
    try:
        return request_rows.get(connection, request_id)
    except ValueError as exc:
        raise _changed("request", request_id, "SESSION") from exc


def _changed(what: str, own: str, session_id: str) -> IntegrityError:
    return IntegrityError(
        f"The row of {what} {own} was changed and cannot be read; "
        f"`countersign ledger verify --session {session_id}` names the column."
    )


def governance_of(connection: Connection, *, after: int, limit: int | None) -> list[LedgerEntry]:
    """The entries of what belongs to no session. Raises IntegrityError."""
    try:
        return governance_rows.entries(connection, after=after, limit=limit)
    except ValueError as exc:
        raise IntegrityError(
            f"The governance ledger was changed and cannot be read: {exc}"
        ) from exc


def verification_of(connection: Connection, session_id: SessionId) -> Verification:
    """What is wrong with the chain of a session, whatever its row holds. Raises NotFoundError."""
    require_there(connection, session_id)
    return verify_one(connection, session_id)


def require_there(connection: Connection, session_id: str) -> None:
    """Raise NotFoundError, with where it is if it was archived. Nothing is read of its row, which
    somebody may have changed."""
    try:
        ledger_rows.head(connection, session_id)
    except NotFoundError as exc:
        raise archived.no_session(connection, session_id) from exc
