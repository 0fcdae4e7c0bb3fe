"""budgets: what calls have drawn on them, what is used, and where they stood with a request"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import TypeEngine

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def _text(length: int | None = None) -> TypeEngine[str]:
    plain = sa.Text() if length is None else sa.String(length)
    return plain.with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add two tables and a column; what ran before has drawn on nothing."""
    op.add_column("requests", sa.Column("budgets", _text(), nullable=True))
    op.add_column("requests", sa.Column("seen", _text(), nullable=True))
    op.create_table(
        "budget_uses",
        sa.Column("request_id", _text(40), nullable=False),
        sa.Column("budget", _text(100), nullable=False),
        sa.Column("scope", _text(300), nullable=False),
        sa.Column("at", _text(32), nullable=False),
        sa.Column("currency", _text(3), nullable=False),
        sa.Column("amount", _text(60), nullable=False),
        sa.Column("released_at", _text(32), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_budget_uses_request_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "budget", name=op.f("pk_budget_uses")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_budget_uses_budget_scope_at", "budget_uses", ["budget", "scope", "at"])
    op.create_table(
        "budget_counters",
        sa.Column("budget", _text(100), nullable=False),
        sa.Column("scope", _text(300), nullable=False),
        sa.Column("definition", _text(200), nullable=False),
        sa.Column("since", _text(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("amount", _text(60), nullable=False),
        sa.PrimaryKeyConstraint("budget", "scope", name=op.f("pk_budget_counters")),
        sqlite_with_rowid=False,
    )
