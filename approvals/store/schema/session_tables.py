"""Sessions, what was said in them, and what of them waits to be told where they were started."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from countersign.approvals.store.schema.columns import Packed, String, Text, metadata, only

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("workflow", String(100), nullable=False),
    Column("workflow_version", String(100), nullable=False),
    Column("task", Text, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("status", String(20), nullable=False),
    Column("conversation", String(600)),
    Column("idempotency_key", String(300), unique=True),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("checkpoint_id", String(40)),
    Column("snapshot", Packed),
    Column("answer", Text),
    Column("error", Text),
    # Run lease: one process at a time; every write of a run compares `epoch`.
    Column("epoch", Integer, nullable=False, default=0),
    Column("lease_owner", String(64)),
    Column("lease_until", String(32)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", String(32)),
    # Head of this session's ledger chain.
    Column("ledger_seq", Integer, nullable=False, default=0),
    Column("ledger_head", String(64), nullable=False),
    Column("cause", String(40)),
    # How many rows of session_messages the snapshot builds upon.
    Column("chunks", Integer, nullable=False, server_default="0"),
    # The pause for whose end it waits: nobody runs it until then.
    Column("held_by", String(40)),
    # The request that it takes back, and who asked for that, as JSON.
    Column("undoes", String(40)),
    Column("undoing", Text),
)
Index(
    "ix_sessions_next_at",
    sessions.c.next_at,
    **only(sessions.c.next_at.is_not(None)),
)
Index(
    "ix_sessions_status_created_at",
    sessions.c.status,
    sessions.c.created_at,
    sessions.c.id,
)
Index(
    "ix_sessions_held_by",
    sessions.c.held_by,
    **only(sessions.c.held_by.is_not(None)),
)
Index(
    "ix_sessions_undoes",
    sessions.c.undoes,
    **only(sessions.c.undoes.is_not(None)),
)
_in_conversation = sessions.c.conversation.is_not(None)
Index(
    "ix_sessions_conversation",
    sessions.c.conversation,
    sessions.c.created_at,
    **only(_in_conversation),
)

session_messages = Table(
    "session_messages",
    metadata,
    Column("session_id", String(40), ForeignKey("sessions.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("messages", Text, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("session_id", String(40), ForeignKey("sessions.id"), nullable=False),
    Column("conversation", String(600), nullable=False),
    Column("text", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", String(32)),
    Column("error", Text),
    Column("progress", Integer, nullable=False, server_default="0"),
    Column("reference", Text),
)
Index(
    "ix_notices_reference",
    notices.c.session_id,
    notices.c.id,
    **only(notices.c.reference.is_not(None)),
)
Index(
    "ix_notices_next_at",
    notices.c.next_at,
    **only(notices.c.next_at.is_not(None)),
)
Index(
    "ix_notices_conversation",
    notices.c.conversation,
    notices.c.id,
    **only(notices.c.next_at.is_not(None)),
)
