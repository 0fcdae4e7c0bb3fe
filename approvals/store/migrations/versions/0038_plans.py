"""plans: a grant for each step, in one session, with the arguments that may vary"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns; grants that there are belong to no plan. One grant on each request becomes one
    for each step."""

    def text(kind: sa.types.TypeEngine[str]) -> sa.types.TypeEngine[str]:
        return kind.with_variant(TEXT(collation="C"), "postgresql")

    op.add_column("grants", sa.Column("step", sa.Integer, nullable=False, server_default="0"))
    op.add_column("grants", sa.Column("session_id", text(sa.String(40))))
    op.add_column(
        "grants", sa.Column("varying", text(sa.Text()), nullable=False, server_default="[]")
    )
    op.drop_index("uq_grants_request_id", table_name="grants")
    holds = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_grants_request_id",
        "grants",
        ["request_id", "step"],
        unique=True,
        sqlite_where=holds,
        postgresql_where=holds,
    )
