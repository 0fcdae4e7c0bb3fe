"""sessions: the messages of long chats in rows of their own, each written once"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column and a table; what is stored of older sessions is read as it is."""
    op.add_column("sessions", sa.Column("chunks", sa.Integer(), nullable=False, server_default="0"))
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    short = sa.String(40).with_variant(TEXT(collation="C"), "postgresql")
    op.create_table(
        "session_messages",
        sa.Column("session_id", short, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("messages", text, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_session_messages_session_id_sessions")
        ),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_session_messages")),
    )
