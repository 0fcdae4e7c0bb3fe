"""tickets: where requests are shown, what people did in tickets, how far each system was read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what tickets need; what waits already is shown in Teams, as it was."""
    op.add_column(
        "requests",
        sa.Column("channels", sa.Text(), nullable=False, server_default='["teams"]'),
    )
    op.add_column("deliveries", sa.Column("ticket_id", sa.String(length=200), nullable=True))
    op.add_column("deliveries", sa.Column("look_at", sa.String(length=32), nullable=True))
    op.add_column("deliveries", sa.Column("doubt_at", sa.String(length=32), nullable=True))
    op.create_index(
        "ix_deliveries_look_at",
        "deliveries",
        ["look_at"],
        unique=False,
        sqlite_where=sa.text("look_at IS NOT NULL"),
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_channel_ticket_id",
        "deliveries",
        ["channel", "ticket_id"],
        unique=False,
        sqlite_where=sa.text("ticket_id IS NOT NULL"),
        postgresql_where=sa.text("ticket_id IS NOT NULL"),
    )
    op.create_table(
        "ticket_acts",
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("ticket_id", sa.String(length=200), nullable=False),
        sa.Column("act_id", sa.String(length=200), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_ticket_acts_request_id")
        ),
        sa.PrimaryKeyConstraint("channel", "ticket_id", "act_id", name=op.f("pk_ticket_acts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "polls",
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("polled_at", sa.String(length=32), nullable=True),
        sa.Column("swept_at", sa.String(length=32), nullable=True),
        sa.Column("next_at", sa.String(length=32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_polls")),
        sqlite_with_rowid=False,
    )
