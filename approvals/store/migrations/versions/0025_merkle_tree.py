"""ledger: commitments to bodies, and a Merkle tree over where chains stand"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import TypeEngine

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def _string(length: int) -> TypeEngine[str]:
    return sa.String(length=length).with_variant(TEXT(collation="C"), "postgresql")


def _text() -> TypeEngine[str]:
    return sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """What is sealed already stays as it is and is checked as before; the tree begins with the
    first seal that follows, which takes in every chain."""
    for table in ("ledger", "governance"):
        for name, length in (("salt", 32), ("commitment", 64)):
            op.add_column(
                table, sa.Column(name, _string(length), nullable=False, server_default="")
            )
    size = sa.Column("size", sa.Integer(), nullable=False, server_default="0")
    op.add_column("ledger_seals", size)
    root = sa.Column("root", _string(64), nullable=False, server_default="")
    op.add_column("ledger_seals", root)
    op.create_table(
        "ledger_leaves",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("session_id", _string(40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", _string(64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_leaves")),
    )
    op.create_index("ix_ledger_leaves_session_id_seq", "ledger_leaves", ["session_id", "seq"])
    op.create_table(
        "ledger_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", _string(64), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_ledger_nodes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", _string(8), nullable=False),
        sa.Column("at", _string(32), nullable=False),
        sa.Column("note", _text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "key_id", name=op.f("pk_ledger_checkpoints")),
        sqlite_with_rowid=False,
    )
