"""What belongs to no session: policies, pauses, delegations, and their chain."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from countersign.approvals.store.schema.columns import String, Text, metadata, only

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("document", Text, nullable=False),
    Column("first_used_at", String(32), nullable=False),
)

# The chain of what belongs to no session. Its end is its last row.
governance = Table(
    "governance",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # The body is committed to by its hash with a salt; both are "" in entries of before that.
    Column("salt", String(32), nullable=False, server_default=""),
    Column("commitment", String(64), nullable=False, server_default=""),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("by_name", String(300), nullable=False),
    Column("via", String(20), nullable=False),
    Column("at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("ended_by", String(200)),
    Column("ended_by_name", String(300)),
    Column("ended_via", String(20)),
    # What the places that show its requests have not been told yet: 1 its beginning, 2 its end.
    Column("untold", Integer, nullable=False),
)
_holds = pauses.c.ended_at.is_(None)
Index(
    "ix_pauses_kind_name",
    pauses.c.kind,
    pauses.c.name,
    unique=True,
    **only(_holds),
)
Index(
    "ix_pauses_untold",
    pauses.c.untold,
    **only(pauses.c.untold > 0),
)

delegations = Table(
    "delegations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("giver", String(200), nullable=False),
    Column("giver_name", String(300), nullable=False),
    Column("delegate", String(200), nullable=False),
    Column("delegate_name", String(300), nullable=False),
    Column("starts_at", String(32), nullable=False),
    Column("ends_at", String(32), nullable=False),
    Column("roles", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("via", String(20), nullable=False),
    Column("at", String(32), nullable=False),
    Column("revoked_at", String(32)),
    Column("revoked_by", String(200)),
    Column("revoked_by_name", String(300)),
    Column("revoked_via", String(20)),
    # 1: its delegate was not shown yet what waits.
    Column("untold", Integer, nullable=False),
)
Index(
    "ix_delegations_untold",
    delegations.c.starts_at,
    **only(delegations.c.untold > 0),
)
