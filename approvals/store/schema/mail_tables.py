"""Mail in which requests are shown: its threads, its links, and who wants none."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table

from countersign.approvals.store.schema.columns import String, Text, metadata

# Mail in which requests are shown: one thread for each delivery, or one for a list of several.
mail_threads = Table(
    "mail_threads",
    metadata,
    Column("delivery_id", String(40), primary_key=True),
    Column("message_id", String(64), nullable=False),
    Column("request_id", String(40), nullable=False),
    Column("principal_id", String(200), nullable=False),
    Column("address", String(254), nullable=False),
    Column("subject", Text, nullable=False),
    # What its last mail says; empty if none was taken.
    Column("told", Text, nullable=False),
    Column("bounced", Text, nullable=False),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_mail_threads_message_id", mail_threads.c.message_id)

# Links in mails: only a hash of each is known here.
mail_links = Table(
    "mail_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("request_id", String(40), nullable=False),
    Column("principal_id", String(200), nullable=False),
    Column("expires_at", String(32), nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_mail_links_expires_at", mail_links.c.expires_at)

# Kinds of mail that people do not want.
mail_mutes = Table(
    "mail_mutes",
    metadata,
    Column("principal_id", String(200), primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)
