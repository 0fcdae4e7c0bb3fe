"""mail: threads, links, and what people do not want"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import TypeEngine

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _text(length: int | None = None) -> TypeEngine[str]:
    plain = sa.Text() if length is None else sa.String(length)
    return plain.with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add three tables; nothing was sent by mail until now."""
    op.create_table(
        "mail_threads",
        sa.Column("delivery_id", _text(40), nullable=False),
        sa.Column("message_id", _text(64), nullable=False),
        sa.Column("request_id", _text(40), nullable=False),
        sa.Column("principal_id", _text(200), nullable=False),
        sa.Column("address", _text(254), nullable=False),
        sa.Column("subject", _text(), nullable=False),
        sa.Column("told", _text(), nullable=False),
        sa.Column("bounced", _text(), nullable=False),
        sa.Column("at", _text(32), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_mail_threads")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mail_threads_message_id", "mail_threads", ["message_id"])
    op.create_table(
        "mail_links",
        sa.Column("token_hash", _text(64), nullable=False),
        sa.Column("kind", _text(20), nullable=False),
        sa.Column("request_id", _text(40), nullable=False),
        sa.Column("principal_id", _text(200), nullable=False),
        sa.Column("expires_at", _text(32), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_mail_links")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mail_links_expires_at", "mail_links", ["expires_at"])
    op.create_table(
        "mail_mutes",
        sa.Column("principal_id", _text(200), nullable=False),
        sa.Column("kind", _text(20), nullable=False),
        sa.Column("at", _text(32), nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "kind", name=op.f("pk_mail_mutes")),
        sqlite_with_rowid=False,
    )
