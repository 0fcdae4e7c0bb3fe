"""canaries: requests that are tests of whether people look"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0040"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; requests that there are are no tests."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("requests", sa.Column("canary", text))
    only = sa.text("canary IS NOT NULL")
    op.create_index(
        "ix_requests_canary",
        "requests",
        ["session_id", "created_at"],
        sqlite_where=only,
        postgresql_where=only,
    )
