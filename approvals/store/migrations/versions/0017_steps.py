"""steps: what the time of a request brings before its deadline, and messages about it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_DUE = "status = 'pending' AND next_step_at IS NOT NULL"


def upgrade() -> None:
    """Requests that wait have a deadline and nothing before it, as they were asked."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    time = sa.String(32).with_variant(TEXT(collation="C"), "postgresql")
    name = sa.String(40).with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("requests", sa.Column("timing", text))
    op.add_column("requests", sa.Column("next_step_at", time))
    op.create_index(
        "ix_requests_status_next_step_at",
        "requests",
        ["status", "next_step_at"],
        unique=False,
        sqlite_where=sa.text(_DUE),
        postgresql_where=sa.text(_DUE),
    )
    op.create_table(
        "reminders",
        sa.Column("delivery_id", name, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("escalated", sa.Integer(), nullable=False),
        sa.Column("next_at", time, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", text, nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_reminders_delivery_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_reminders")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_reminders_next_at"), "reminders", ["next_at"], unique=False)
