"""Rollout: what people put on record of calls afterwards, and where each rule stands."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, Table

from countersign.approvals.store.schema.columns import String, Text, metadata

hindsights = Table(
    "hindsights",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("principal_id", String(200), nullable=False),
    Column("name", String(300), nullable=False),
    Column("via", String(20), nullable=False),
    Column("identity", String(300), nullable=False),
    Column("at", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("arguments", Text),
    Column("agrees", Integer),
    Column("differs", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The phase of a rule for a tool, since somebody or something moved it; the first, without a row.
rollouts = Table(
    "rollouts",
    metadata,
    Column("rule_id", String(300), primary_key=True),
    Column("tool", String(200), primary_key=True),
    Column("meaning", String(16), nullable=False),
    Column("phase", String(20), nullable=False),
    Column("since", String(32), nullable=False),
    Column("cause", String(20), nullable=False),
    Column("by_name", String(300), nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
