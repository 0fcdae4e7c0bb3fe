"""notices: what is progress, and in which message it stands, so that it is one that is updated"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns; what was queued before goes out as messages of their own."""
    op.add_column(
        "notices", sa.Column("progress", sa.Integer(), nullable=False, server_default="0")
    )
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("notices", sa.Column("reference", text, nullable=True))
    op.create_index(
        "ix_notices_reference",
        "notices",
        ["session_id", "id"],
        unique=False,
        sqlite_where=sa.text("reference IS NOT NULL"),
        postgresql_where=sa.text("reference IS NOT NULL"),
    )
