"""scale: find what is due without looking through what is not"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Notices that were sent are not found by their conversation; deadlines are entered by status
    and time, which SQLite takes before an index of the status alone."""
    op.drop_index("ix_notices_conversation", table_name="notices")
    op.create_index(
        "ix_notices_conversation",
        "notices",
        ["conversation", "id"],
        unique=False,
        sqlite_where=sa.text("next_at IS NOT NULL"),
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.drop_index("ix_requests_expires_at", table_name="requests")
    op.create_index(
        "ix_requests_status_expires_at",
        "requests",
        ["status", "expires_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
