"""Where requests are shown, and where people can be reached."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from countersign.approvals.store.schema.columns import String, Text, metadata, only

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", String(40), ForeignKey("requests.id"), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("target", String(700), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reference", Text),
    Column("shown_version", Integer, nullable=False, default=0),
    Column("wanted_version", Integer, nullable=False, default=1),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", String(32)),
    Column("error", Text),
    # Tickets: which one it is, when to read it, and when one was asked for without an answer;
    # of messages since when an older one may be on its way.
    Column("ticket_id", String(200)),
    Column("look_at", String(32)),
    Column("doubt_at", String(32)),
    UniqueConstraint("request_id", "channel", "target"),
)
Index(
    "ix_deliveries_next_at",
    deliveries.c.next_at,
    **only(deliveries.c.next_at.is_not(None)),
)
Index("ix_deliveries_target_status", deliveries.c.target, deliveries.c.status)
Index(
    "ix_deliveries_look_at",
    deliveries.c.look_at,
    **only(deliveries.c.look_at.is_not(None)),
)
Index(
    "ix_deliveries_channel_ticket_id",
    deliveries.c.channel,
    deliveries.c.ticket_id,
    **only(deliveries.c.ticket_id.is_not(None)),
)

# Messages to places where requests are shown: that they still wait.
reminders = Table(
    "reminders",
    metadata,
    Column("delivery_id", String(40), ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("escalated", Integer, nullable=False),
    Column("next_at", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    sqlite_with_rowid=False,
)
Index("ix_reminders_next_at", reminders.c.next_at)

# What people did in tickets: each act counts once.
ticket_acts = Table(
    "ticket_acts",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("ticket_id", String(200), primary_key=True),
    Column("act_id", String(200), primary_key=True),
    Column("request_id", String(40), ForeignKey("requests.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("answered", Integer, nullable=False, default=0),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)

# How far each ticket system has been read, and when it is read next.
polls = Table(
    "polls",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("cursor", Text),
    Column("polled_at", String(32)),
    Column("swept_at", String(32)),
    Column("next_at", String(32), nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text),
    sqlite_with_rowid=False,
)

conversations = Table(
    "conversations",
    metadata,
    Column("key", String(600), primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("principal_id", String(200)),
    Column("reference", Text, nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("blocked_at", String(32)),
    Column("blocked_reason", Text),
)
Index(
    "ix_conversations_principal_id_channel",
    conversations.c.principal_id,
    conversations.c.channel,
)
Index(
    "ix_conversations_blocked_at",
    conversations.c.blocked_at,
    **only(conversations.c.blocked_at.is_not(None)),
)
