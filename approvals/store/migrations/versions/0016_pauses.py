"""pauses: what does not begin for now, and the sessions that wait for that"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, and a column of sessions; nothing is paused."""

    def column(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        bytewise = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, bytewise, nullable=nullable)

    op.create_table(
        "pauses",
        column("id", 40),
        column("kind", 20),
        column("name", 200),
        column("reason"),
        column("by", 200),
        column("by_name", 300),
        column("via", 20),
        column("at", 32),
        column("ended_at", 32, nullable=True),
        column("ended_by", 200, nullable=True),
        column("ended_by_name", 300, nullable=True),
        column("ended_via", 20, nullable=True),
        sa.Column("untold", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pauses")),
    )
    holds, untold = sa.text("ended_at IS NULL"), sa.text("untold > 0")
    op.create_index(
        "ix_pauses_kind_name",
        "pauses",
        ["kind", "name"],
        unique=True,
        sqlite_where=holds,
        postgresql_where=holds,
    )
    op.create_index(
        "ix_pauses_untold", "pauses", ["untold"], sqlite_where=untold, postgresql_where=untold
    )
    op.add_column("sessions", column("held_by", 40, nullable=True))
    is_held = sa.text("held_by IS NOT NULL")
    op.create_index(
        "ix_sessions_held_by",
        "sessions",
        ["held_by"],
        sqlite_where=is_held,
        postgresql_where=is_held,
    )
