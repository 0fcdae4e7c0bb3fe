"""grants: a standing yes, and what has run by it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two tables; nothing is granted."""

    def column(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        bytewise = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, bytewise, nullable=nullable)

    op.create_table(
        "grants",
        column("id", 40),
        column("request_id", 40),
        column("workflow", 100),
        column("tool", 200),
        column("rule_id", 300),
        column("rule_sha256", 64),
        column("same"),
        column("conditions"),
        sa.Column("uses", sa.Integer()),
        column("total", 40, nullable=True),
        column("currency", 3, nullable=True),
        column("expires_at", 32, nullable=True),
        column("givers"),
        sa.Column("complete", sa.Integer(), nullable=False),
        column("created_at", 32),
        column("revoked_at", 32, nullable=True),
        column("revoked_by", 200, nullable=True),
        column("revoked_by_name", 300, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    holds = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_grants_request_id",
        "grants",
        ["request_id"],
        unique=True,
        sqlite_where=holds,
        postgresql_where=holds,
    )
    op.create_index(
        "ix_grants_tool", "grants", ["tool"], sqlite_where=holds, postgresql_where=holds
    )
    op.create_table(
        "grant_uses",
        column("grant_id", 40),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        column("request_id", 40),
        column("total", 40),
        column("at", 32),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["grants.id"], name=op.f("fk_grant_uses_grant_id_grants")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_grant_uses_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("grant_id", "number", name=op.f("pk_grant_uses")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_grant_uses_request_id", "grant_uses", ["request_id"])
