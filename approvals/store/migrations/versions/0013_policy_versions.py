"""policy_versions: the text of every policy by which a server has ruled"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table; versions of the past are not known."""
    text = sa.Text().with_variant(TEXT(collation="C"), "postgresql")
    version = sa.String(64).with_variant(TEXT(collation="C"), "postgresql")
    time = sa.String(32).with_variant(TEXT(collation="C"), "postgresql")
    op.create_table(
        "policy_versions",
        sa.Column("version", version, nullable=False),
        sa.Column("document", text, nullable=False),
        sa.Column("first_used_at", time, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policy_versions")),
    )
