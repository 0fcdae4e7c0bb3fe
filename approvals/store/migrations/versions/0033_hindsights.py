"""hindsights: what people put on record of calls afterwards"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables; of what was proposed in shadow before, anything may still be put on record."""

    def column(name: str, length: int | None = None, *, null: bool = False) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        text = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, text, nullable=null)

    op.create_table(
        "hindsights",
        column("request_id", 40),
        column("kind", 20),
        column("principal_id", 200),
        column("name", 300),
        column("via", 20),
        column("identity", 300),
        column("at", 32),
        column("text"),
        column("arguments", null=True),
        sa.Column("agrees", sa.Integer),
        column("differs"),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_hindsights_request_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "kind", name=op.f("pk_hindsights")),
        sqlite_with_rowid=False,
    )
