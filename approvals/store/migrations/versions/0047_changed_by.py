"""changed_by: who has changed a call that somebody else approves"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0047"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; of requests that there are, nothing is known beyond their ledger."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("requests", sa.Column("changed_by", text))
