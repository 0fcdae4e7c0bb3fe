"""digest salts: what is signed has a salt, so that nobody can guess a call by its digest"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; the digests that there are stay as people signed them, without a salt."""
    text = sa.String(length=64).with_variant(TEXT(collation="C"), "postgresql")
    column = sa.Column("digest_salt", text, nullable=False, server_default="")
    op.add_column("requests", column)
