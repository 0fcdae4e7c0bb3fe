"""parallel: of which branch of parallel chats a call is, and which branches had failed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; requests that there are are of no branch."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    op.add_column("requests", sa.Column("parallel", text))
