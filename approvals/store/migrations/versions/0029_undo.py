"""undo: what takes back an executed call, and the sessions that do"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns; of what was executed before, nothing can be undone."""

    def column(name: str, length: int | None = None) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        return sa.Column(name, kind.with_variant(TEXT(collation="C"), "postgresql"))

    op.add_column("requests", column("undo"))
    op.add_column("sessions", column("undoes", 40))
    op.add_column("sessions", column("undoing"))
    set_ = sa.text("undoes IS NOT NULL")
    op.create_index(
        "ix_sessions_undoes", "sessions", ["undoes"], sqlite_where=set_, postgresql_where=set_
    )
