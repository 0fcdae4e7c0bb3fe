"""rollouts: where each rule stands, and an index on what speaks for its next phase"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0037"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table and an index; every rule stands at its first phase."""

    def column(name: str, length: int | None = None) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        text = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, text, nullable=False)

    op.create_table(
        "rollouts",
        column("rule_id", 300),
        column("tool", 200),
        column("meaning", 16),
        column("phase", 20),
        column("since", 32),
        column("cause", 20),
        column("by_name", 300),
        column("reason"),
        sa.PrimaryKeyConstraint("rule_id", "tool", name=op.f("pk_rollouts")),
        sqlite_with_rowid=False,
    )
    seen = sa.text("seen IS NOT NULL")
    op.create_index(
        "ix_requests_rule_id_created_at",
        "requests",
        ["rule_id", "created_at"],
        sqlite_where=seen,
        postgresql_where=seen,
    )
