"""schedules: shifts that are read from calendars and from PagerDuty, and to whom of them what waits
was shown"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_BYTEWISE = TEXT(collation="C")


def _string(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(_BYTEWISE, "postgresql")


def upgrade() -> None:
    """Add tables; no schedule is read yet."""
    text = sa.Text().with_variant(_BYTEWISE, "postgresql")
    op.create_table(
        "directory_shifts",
        sa.Column("source", _string(40), nullable=False),
        sa.Column("id", _string(200), nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("starts_at", _string(32), nullable=False),
        sa.Column("ends_at", _string(32), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_directory_shifts")),
    )
    op.create_table(
        "schedules_shown",
        sa.Column("name", _string(40), nullable=False),
        sa.Column("people", text, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules_shown")),
    )
