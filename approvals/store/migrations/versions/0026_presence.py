"""passkeys and proofs: that a person is there when they approve"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two empty tables."""

    def column(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        bytewise = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, bytewise, nullable=nullable)

    op.create_table(
        "passkeys",
        column("id", 1400),
        column("principal_id", 200),
        column("name", 100),
        column("public_key"),
        column("created_at", 32),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        column("last_used_at", 32, nullable=True),
        column("removed_at", 32, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
    )
    op.create_index(op.f("ix_passkeys_principal_id"), "passkeys", ["principal_id"])
    op.create_table(
        "proofs",
        column("id", 64),
        column("method", 40),
        column("principal_id", 200),
        column("digest", 64),
        column("request_id", 40),
        column("session_id", 64),
        column("at", 32),
        column("expires_at", 32),
        column("used_at", 32, nullable=True),
        column("evidence"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
    )
    op.create_index(op.f("ix_proofs_session_id"), "proofs", ["session_id"])
    op.create_index(op.f("ix_proofs_expires_at"), "proofs", ["expires_at"])
