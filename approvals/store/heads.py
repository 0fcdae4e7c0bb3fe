"""Where the chains end whose sessions a unit has locked: read with the lock, and not once more.

Nobody else moves the head of a locked session, so what was read with the lock holds until the unit
ends or moves it. Outside of units nothing is remembered.
"""

from __future__ import annotations

from sqlalchemy import Connection

Head = tuple[int, str]
"""Sequence number and hash of a session's last ledger entry."""
_HEADS = "ledger_heads"
"""Key of `connection.info`: heads by session id, new for each unit."""


def forget(connection: Connection) -> None:
    """A unit begins."""
    connection.info[_HEADS] = {}


def remember(connection: Connection, session_id: str, head: Head) -> None:
    """The head of a session that was locked, or where the unit has moved it."""
    heads = connection.info.get(_HEADS)
    if heads is not None:
        heads[session_id] = head


def known(connection: Connection, session_id: str) -> Head | None:
    """The head, if this unit has locked the session."""
    heads: dict[str, Head] = connection.info.get(_HEADS) or {}
    return heads.get(session_id)
