"""retention: legal holds, and which sessions are in archive files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_BYTEWISE = TEXT(collation="C")


def _string(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(_BYTEWISE, "postgresql")


def upgrade() -> None:
    """Add tables; nothing is on hold, and nothing is archived."""
    text = sa.Text().with_variant(_BYTEWISE, "postgresql")
    op.create_table(
        "legal_holds",
        sa.Column("id", _string(40), nullable=False),
        sa.Column("kind", _string(20), nullable=False),
        sa.Column("name", _string(200), nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("by", _string(200), nullable=False),
        sa.Column("by_name", _string(300), nullable=False),
        sa.Column("via", _string(20), nullable=False),
        sa.Column("at", _string(32), nullable=False),
        sa.Column("lifted_at", _string(32), nullable=True),
        sa.Column("lifted_by", _string(200), nullable=True),
        sa.Column("lifted_by_name", _string(300), nullable=True),
        sa.Column("lifted_via", _string(20), nullable=True),
        sa.Column("lifted_reason", text, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_table(
        "archived_sessions",
        sa.Column("session_id", _string(40), nullable=False),
        sa.Column("file", _string(200), nullable=False),
        sa.Column("sha256", _string(64), nullable=False),
        sa.Column("at", _string(32), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("head", _string(64), nullable=False),
        sa.Column("requests", text, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_archived_sessions")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_archived_sessions_file", "archived_sessions", ["file"])
