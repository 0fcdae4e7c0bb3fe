"""Legal holds, and which sessions are in archive files."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from countersign.approvals.store.schema.columns import String, Text, metadata

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("by_name", String(300), nullable=False),
    Column("via", String(20), nullable=False),
    Column("at", String(32), nullable=False),
    Column("lifted_at", String(32)),
    Column("lifted_by", String(200)),
    Column("lifted_by_name", String(300)),
    Column("lifted_via", String(20)),
    Column("lifted_reason", Text),
)

# What is left in the database of a session that is in a file: where its chain ended, and where it
# is. The leaves of the tree stay.
archived_sessions = Table(
    "archived_sessions",
    metadata,
    Column("session_id", String(40), primary_key=True),
    Column("file", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("entries", Integer, nullable=False),
    Column("head", String(64), nullable=False),
    # The ids of its requests, with a space between two.
    Column("requests", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_archived_sessions_file", archived_sessions.c.file)
