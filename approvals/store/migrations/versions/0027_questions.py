"""questions: what those who decide ask about a request before they do"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table and a column; nobody has asked anything."""

    def column(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column[str]:
        kind = sa.Text() if length is None else sa.String(length)
        bytewise = kind.with_variant(TEXT(collation="C"), "postgresql")
        return sa.Column(name, bytewise, nullable=nullable)

    op.add_column(
        "requests", sa.Column("questions", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_table(
        "questions",
        column("request_id", 40),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        column("asker", 200),
        column("asker_name", 300),
        column("via", 20),
        column("identity", 300),
        column("text"),
        column("asked_at", 32),
        column("status", 20),
        column("answer"),
        column("answered_by", 10, nullable=True),
        column("answerer", 200),
        column("answerer_name", 300),
        column("answered_via", 20),
        column("answered_at", 32, nullable=True),
        column("calls"),
        column("why"),
        column("due_at", 32, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["requests.id"], name=op.f("fk_questions_request_id_requests")
        ),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_questions")),
        sqlite_with_rowid=False,
    )
    due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_questions_due_at", "questions", ["due_at"], sqlite_where=due, postgresql_where=due
    )
