"""browser_sessions: who is signed in to the inbox"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_BYTEWISE = TEXT(collation="C")


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(_BYTEWISE, "postgresql")


def upgrade() -> None:
    """Add an empty table: nobody is signed in yet."""
    op.create_table(
        "browser_sessions",
        sa.Column("id", _text(64), nullable=False),
        sa.Column("principal_id", _text(200), nullable=False),
        sa.Column("method", _text(40), nullable=False),
        sa.Column("identity", _text(300), nullable=False),
        sa.Column("authenticated_at", _text(32), nullable=False),
        sa.Column("created_at", _text(32), nullable=False),
        sa.Column("seen_at", _text(32), nullable=False),
        sa.Column("expires_at", _text(32), nullable=False),
        sa.Column("claims", sa.Text().with_variant(_BYTEWISE, "postgresql")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_sessions")),
    )
    op.create_index(op.f("ix_browser_sessions_principal_id"), "browser_sessions", ["principal_id"])
    op.create_index(op.f("ix_browser_sessions_expires_at"), "browser_sessions", ["expires_at"])
