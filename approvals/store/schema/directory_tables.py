"""People from directories. What stands here is read from there again; the ledger has who voted."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from countersign.approvals.store.schema.columns import String, Text, metadata

# People from directories. What stands here is read from there again; the ledger has who voted.
directory_sources = Table(
    "directory_sources",
    metadata,
    Column("name", String(40), primary_key=True),
    # Of the reading that was begun last; every write of an older one is refused.
    Column("generation", Integer, nullable=False, server_default="0"),
    # Grows with each reading that has come to its end: whoever knows an older one looks again.
    Column("revision", Integer, nullable=False, server_default="0"),
    # The revision in which a group became, or ceased to be, a part of another one.
    Column("regrouped", Integer, nullable=False, server_default="0"),
    Column("lease_until", String(32)),
    Column("settings", String(64), nullable=False),
    Column("cursor", Text),
    Column("read_at", String(32)),
    # When the last reading of all of it began.
    Column("whole_at", String(32)),
    Column("next_at", String(32)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("progress", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("held", Text),
    Column("go_on", Integer, nullable=False, server_default="0"),
)

directory_accounts = Table(
    "directory_accounts",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("identity", String(200), nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("revision", Integer, nullable=False),
)
Index(
    "ix_directory_accounts_source",
    directory_accounts.c.source,
    directory_accounts.c.revision,
)

directory_groups = Table(
    "directory_groups",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("name", Text, nullable=False),
)

directory_members = Table(
    "directory_members",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("group_id", String(200), primary_key=True),
    Column("member_id", String(200), primary_key=True),
    Column("is_group", Integer, nullable=False),
)
Index(
    "ix_directory_members_source",
    directory_members.c.source,
    directory_members.c.member_id,
)

directory_delegates = Table(
    "directory_delegates",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("account_id", String(200), nullable=False),
    Column("delegate_id", String(200), nullable=False),
    Column("starts_at", String(32)),
    Column("ends_at", String(32)),
)

# What a reading has found so far; at its end it is taken over as a whole.
directory_staged = Table(
    "directory_staged",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("member_id", String(200), primary_key=True),
    Column("generation", Integer, nullable=False),
    Column("body", Text),
)

directory_shifts = Table(
    "directory_shifts",
    metadata,
    Column("source", String(40), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("person", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("starts_at", String(32), nullable=False),
    Column("ends_at", String(32), nullable=False),
)

# To whom of each schedule what waits was shown last.
schedules_shown = Table(
    "schedules_shown",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("people", Text, nullable=False),
)
