"""Queries on notices: messages to the conversations of sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.models import ConversationKey, JsonObject, Notice, SessionId
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import notices

MAX_NOTICE_CHARACTERS = 20_000
"""Below the 28 KB (UTF-16) that Teams has documented for a message."""
RUNNING_CHARACTERS = 8_000
"""Of a message of progress; then another one begins."""


def add(
    connection: Connection,
    *,
    session_id: SessionId,
    conversation: ConversationKey,
    text: str,
    now: datetime,
    progress: bool = False,
) -> None:
    """Queue a message for a conversation; they go out in the order they were queued."""
    _ADD.run(
        connection,
        session_id=session_id,
        conversation=conversation,
        text=well_formed(text)[:MAX_NOTICE_CHARACTERS],
        next_at=codec.to_text(now),
        progress=int(progress),
    )


def conversations_due(connection: Connection, now: datetime, *, limit: int) -> list[str]:
    """Conversations whose first unsent message is due, the longest due first."""
    rows = _WITH_NOTICES.all(connection, now=codec.to_text(now), most=limit)
    return [row[0] for row in rows]


def first_unsent(connection: Connection, conversation: str) -> tuple[Notice, datetime] | None:
    """The first unsent message of a conversation and when it is due; locked for its sender."""
    query = (
        select(notices)
        .where(notices.c.conversation == conversation, notices.c.next_at.is_not(None))
        .order_by(notices.c.id)
        .limit(1)
        .with_for_update()
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return codec.notice(row), codec.from_text(row._mapping["next_at"])


def with_running(connection: Connection, notice: Notice) -> Notice:
    """A line of progress with the message that it continues, if there is one with room for it."""
    rows = connection.execute(
        select(notices.c.text, notices.c.reference)
        .where(notices.c.session_id == notice.session_id, notices.c.reference.is_not(None))
        .order_by(notices.c.id)
    ).all()
    texts = tuple(text for text, reference in rows if reference == rows[-1].reference)
    if not rows or sum(map(len, (*texts, notice.text))) > RUNNING_CHARACTERS:
        return notice
    reference = codec.loads(rows[-1].reference)
    return notice.model_copy(update={"reference": reference, "before": texts})


def record_said(connection: Connection, notice: Notice, reference: JsonObject | None) -> None:
    """It was said, `reference` is where. What comes after a message of its own begins anew."""
    if notice.progress:
        where = None if reference is None else codec.dumps(reference)
        record(connection, notice.id, next_at=None, reference=where)
        return
    running = (notices.c.session_id == notice.session_id, notices.c.reference.is_not(None))
    connection.execute(update(notices).where(*running).values(reference=None))
    record(connection, notice.id, next_at=None)


def revive(connection: Connection, conversation: str, now: datetime) -> bool:
    """Make due what could not be posted into a conversation; whether there is any."""
    failed = (
        notices.c.conversation == conversation,
        notices.c.next_at > codec.to_text(now),
        notices.c.error.is_not(None),
    )
    values = {"next_at": codec.to_text(now), "attempts": 0}
    return connection.execute(update(notices).where(*failed).values(values)).rowcount > 0


def record(connection: Connection, notice_id: int, **values: Any) -> None:
    """Write what became of an attempt; `next_at=None` means sent or given up."""
    connection.execute(update(notices).where(notices.c.id == notice_id).values(**values))


_earlier = notices.alias()
_unsent_before = select(_earlier.c.id).where(
    _earlier.c.conversation == notices.c.conversation,
    _earlier.c.next_at.is_not(None),
    _earlier.c.id < notices.c.id,
)
_WITH_NOTICES = Prepared(
    select(notices.c.conversation)
    .where(notices.c.next_at <= bindparam("now"), ~_unsent_before.exists())
    .order_by(notices.c.next_at)
    .limit(bindparam("most"))
)


_ADD = Prepared(
    notices.insert().values(
        {
            name: bindparam(name)
            for name in ("session_id", "conversation", "text", "next_at", "progress")
        }
        | {"attempts": 0}
    )
)
