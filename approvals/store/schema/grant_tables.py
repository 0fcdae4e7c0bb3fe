"""Grants, and what has run by each."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from countersign.approvals.store.schema.columns import String, Text, metadata, only

grants = Table(
    "grants",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", String(40), nullable=False),
    Column("workflow", String(100), nullable=False),
    Column("tool", String(200), nullable=False),
    Column("rule_id", String(300), nullable=False),
    Column("rule_sha256", String(64), nullable=False),
    Column("same", Text, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("uses", Integer),
    Column("total", String(40)),
    Column("currency", String(3)),
    Column("expires_at", String(32)),
    Column("givers", Text, nullable=False),
    Column("complete", Integer, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
    Column("revoked_by", String(200)),
    Column("revoked_by_name", String(300)),
    Column("step", Integer, nullable=False, server_default="0"),
    Column("session_id", String(40)),
    Column("varying", Text, nullable=False, server_default="[]"),
)
_not_revoked = grants.c.revoked_at.is_(None)
Index(
    "uq_grants_request_id",
    grants.c.request_id,
    grants.c.step,
    unique=True,
    **only(_not_revoked),
)
Index("ix_grants_tool", grants.c.tool, **only(_not_revoked))

# What has run by a grant; each says how much it comes to with those before.
grant_uses = Table(
    "grant_uses",
    metadata,
    Column("grant_id", String(40), ForeignKey("grants.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("request_id", String(40), ForeignKey("requests.id"), nullable=False),
    Column("total", String(40), nullable=False),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_grant_uses_request_id", grant_uses.c.request_id)
