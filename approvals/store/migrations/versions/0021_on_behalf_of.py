"""votes: whom somebody stood in for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; until now everybody has voted for themselves."""
    person = sa.String(200).with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("votes", sa.Column("on_behalf_of", person, nullable=False, server_default=""))
