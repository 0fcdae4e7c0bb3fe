"""delegations: who decides for whom, as people have said by themselves"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; nobody has given any."""

    def column(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        bytewise = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, bytewise, nullable=nullable)

    op.create_table(
        "delegations",
        column("id", 40),
        column("giver", 200),
        column("giver_name", 300),
        column("delegate", 200),
        column("delegate_name", 300),
        column("starts_at", 32),
        column("ends_at", 32),
        column("roles"),
        column("reason"),
        column("via", 20),
        column("at", 32),
        column("revoked_at", 32, nullable=True),
        column("revoked_by", 200, nullable=True),
        column("revoked_by_name", 300, nullable=True),
        column("revoked_via", 20, nullable=True),
        sa.Column("untold", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    untold = sa.text("untold > 0")
    op.create_index(
        "ix_delegations_untold",
        "delegations",
        ["starts_at"],
        sqlite_where=untold,
        postgresql_where=untold,
    )
