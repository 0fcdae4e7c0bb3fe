"""tracing: the span in which a request was proposed, so that its trace goes on for weeks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; what waits already began no trace."""
    text = sa.String(length=55).with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("requests", sa.Column("traceparent", text, nullable=True))
