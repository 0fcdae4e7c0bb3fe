"""What calls draw on budgets."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from countersign.approvals.store.schema.columns import String, metadata

# What each call has drawn on each budget: kept unless nothing has happened.
budget_uses = Table(
    "budget_uses",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("budget", String(100), primary_key=True),
    Column("scope", String(300), nullable=False),
    Column("at", String(32), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", String(60), nullable=False),
    Column("released_at", String(32)),
    sqlite_with_rowid=False,
)
Index(
    "ix_budget_uses_budget_scope_at",
    budget_uses.c.budget,
    budget_uses.c.scope,
    budget_uses.c.at,
)

# What is used of each budget since a moment, so that nobody has to add it up: whoever draws on a
# budget locks its row here.
budget_counters = Table(
    "budget_counters",
    metadata,
    Column("budget", String(100), primary_key=True),
    Column("scope", String(300), primary_key=True),
    # Its window and its currency; counted anew when they are others.
    Column("definition", String(200), nullable=False),
    Column("since", String(32), nullable=False),
    Column("count", Integer, nullable=False),
    Column("amount", String(60), nullable=False),
    sqlite_with_rowid=False,
)
