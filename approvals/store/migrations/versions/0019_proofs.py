"""votes.proof: that a person was there"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; no vote of the past has one."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("votes", sa.Column("proof", text))
