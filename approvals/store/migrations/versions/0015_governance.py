"""governance: a chain of what belongs to no session"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; it begins empty."""

    def column(name: str, length: int | None = None) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        bytewise = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, bytewise, nullable=False)

    op.create_table(
        "governance",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        column("at", 32),
        column("kind", 40),
        column("body"),
        column("prev_hash", 64),
        column("hash", 64),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_governance")),
    )
