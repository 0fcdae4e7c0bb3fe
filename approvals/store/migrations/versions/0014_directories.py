"""directories: accounts, groups and memberships that are read from Entra, Jira and ServiceNow"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BYTEWISE = TEXT(collation="C")


def _string(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(_BYTEWISE, "postgresql")


def upgrade() -> None:
    """Add tables; nobody is read from anywhere yet."""
    text = sa.Text().with_variant(_BYTEWISE, "postgresql")
    op.create_table(
        "directory_sources",
        sa.Column("name", _string(40), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("regrouped", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("lease_until", _string(32)),
        sa.Column("settings", _string(64), nullable=False),
        sa.Column("cursor", text),
        sa.Column("read_at", _string(32)),
        sa.Column("whole_at", _string(32)),
        sa.Column("next_at", _string(32)),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("progress", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", text),
        sa.Column("held", text),
        sa.Column("go_on", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_directory_sources")),
    )
    op.create_table(
        "directory_accounts",
        sa.Column("source", _string(40), nullable=False),
        sa.Column("id", _string(200), nullable=False),
        sa.Column("identity", _string(200), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("email", text, nullable=False),
        sa.Column("state", _string(20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_directory_accounts")),
    )
    op.create_index("ix_directory_accounts_source", "directory_accounts", ["source", "revision"])
    op.create_table(
        "directory_groups",
        sa.Column("source", _string(40), nullable=False),
        sa.Column("id", _string(200), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_directory_groups")),
    )
    op.create_table(
        "directory_members",
        sa.Column("source", _string(40), nullable=False),
        sa.Column("group_id", _string(200), nullable=False),
        sa.Column("member_id", _string(200), nullable=False),
        sa.Column("is_group", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "source", "group_id", "member_id", name=op.f("pk_directory_members")
        ),
    )
    op.create_index("ix_directory_members_source", "directory_members", ["source", "member_id"])
    op.create_table(
        "directory_delegates",
        sa.Column("source", _string(40), nullable=False),
        sa.Column("id", _string(200), nullable=False),
        sa.Column("account_id", _string(200), nullable=False),
        sa.Column("delegate_id", _string(200), nullable=False),
        sa.Column("starts_at", _string(32)),
        sa.Column("ends_at", _string(32)),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_directory_delegates")),
    )
    op.create_table(
        "directory_staged",
        sa.Column("source", _string(40), nullable=False),
        sa.Column("kind", _string(20), nullable=False),
        sa.Column("id", _string(200), nullable=False),
        sa.Column("member_id", _string(200), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("body", text),
        sa.PrimaryKeyConstraint(
            "source", "kind", "id", "member_id", name=op.f("pk_directory_staged")
        ),
    )
