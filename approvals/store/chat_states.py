"""Queries on the states of chats: the snapshot is with the session, and the messages of a long chat
are in rows of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from countersign.approvals.models import ChatState, StoredChat
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import session_messages, sessions

READ = (sessions.c.snapshot, sessions.c.chunks)
"""The columns of a session that `of` takes."""


def of(connection: Connection, session_id: str, row: Sequence[Any]) -> StoredChat | None:
    """The state whose columns of the session these are; None if nothing is stored yet."""
    snapshot, chunks = row
    if snapshot is None:
        return None
    if not chunks:  # nearly always
        return StoredChat(snapshot)
    rows = _CHUNKS.all(connection, of=session_id, before=chunks)
    return StoredChat(snapshot, tuple(text for (text,) in rows))


def put(unit: Unit, session_id: str, state: ChatState) -> dict[str, Any]:
    """Store the messages that leave the snapshot. Returns the columns of the session, to be
    written with them."""
    if state.chunk is not None:
        number = state.chunks - 1
        key = {"of": session_id, "at": number, "messages": state.chunk}
        if not _REPLACE.run(unit.connection, **key):
            columns = {"session_id": session_id, "number": number, "messages": state.chunk}
            _INSERT.run(unit.connection, **columns)
        told = {"messages": state.chunk}
        changes.note(unit, session_id, session_messages.name, [session_id, number], told)
    return {"snapshot": state.snapshot, "chunks": state.chunks}


_CHUNKS = Prepared(
    select(session_messages.c.messages)
    .where(
        session_messages.c.session_id == bindparam("of"),
        session_messages.c.number < bindparam("before"),
    )
    .order_by(session_messages.c.number)
)
_REPLACE = Prepared(
    update(session_messages)
    .where(
        session_messages.c.session_id == bindparam("of"),
        session_messages.c.number == bindparam("at"),
    )
    .values(messages=bindparam("messages"))
)
_INSERT = insertion(session_messages)
