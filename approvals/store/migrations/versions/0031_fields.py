"""fields: salts of what is committed to on its own in the body of an entry"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; the bodies of entries that there are stay whole."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("ledger", sa.Column("fields", text, nullable=False, server_default=""))
