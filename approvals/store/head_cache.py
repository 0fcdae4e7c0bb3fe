"""Cache of ledger heads within a unit: read with the lock of their session, and not once more.

Nobody else moves the head of a locked session, so what was read with the lock holds until the unit
ends or moves it. Outside of units nothing is remembered.
"""

from __future__ import annotations

from sqlalchemy import Connection

from countersign.approvals.audit.seals import Head

_MOVED = "moved_ledger_heads"
"""Key of `connection.info`: those that the unit has moved."""
_HEADS = "ledger_heads"
"""Key of `connection.info`: heads by session id, new for each unit."""


def forget(connection: Connection) -> None:
    """A unit begins."""
    connection.info[_HEADS] = {}
    connection.info[_MOVED] = {}


def move(connection: Connection, session_id: str, head: Head) -> None:
    """The unit has added entries up to this one."""
    remember(connection, session_id, head)
    moved = connection.info.get(_MOVED)
    if moved is not None:
        moved[session_id] = head


def moved(connection: Connection) -> dict[str, Head]:
    """Where the chains end that the unit has added to."""
    return connection.info.get(_MOVED) or {}


def remember(connection: Connection, session_id: str, head: Head) -> None:
    """The head of a session that was locked."""
    heads = connection.info.get(_HEADS)
    if heads is not None:
        heads[session_id] = head


def known(connection: Connection, session_id: str) -> Head | None:
    """The head, if this unit has locked the session."""
    heads: dict[str, Head] = connection.info.get(_HEADS) or {}
    return heads.get(session_id)
