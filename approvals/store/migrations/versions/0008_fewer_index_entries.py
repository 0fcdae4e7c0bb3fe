"""speed: no index entries that nothing is found by"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A checkpoint is found by its session, and only sessions of a conversation by that."""
    op.drop_index("ix_requests_checkpoint_id_position", table_name="requests")
    op.drop_index("ix_sessions_conversation", table_name="sessions")
    op.create_index(
        "ix_sessions_conversation",
        "sessions",
        ["conversation", "created_at"],
        unique=False,
        sqlite_where=sa.text("conversation IS NOT NULL"),
        postgresql_where=sa.text("conversation IS NOT NULL"),
    )
