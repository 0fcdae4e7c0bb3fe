"""Who is signed in to the inbox, by what, and who has proved to be there."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from countersign.approvals.store.schema.columns import String, Text, metadata

# Who is signed in to the inbox, in which browser. The id is the hash of what its cookie holds.
browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("principal_id", String(200), nullable=False),
    Column("method", String(40), nullable=False),
    Column("identity", String(300), nullable=False),
    Column("authenticated_at", String(32), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("seen_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("claims", Text),
)
Index("ix_browser_sessions_principal_id", browser_sessions.c.principal_id)
Index("ix_browser_sessions_expires_at", browser_sessions.c.expires_at)

# Public keys of people's devices. The governance ledger tells who added and removed them.
passkeys = Table(
    "passkeys",
    metadata,
    Column("id", String(1400), primary_key=True),
    Column("principal_id", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("public_key", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("last_used_at", String(32)),
    Column("removed_at", String(32)),
)
Index("ix_passkeys_principal_id", passkeys.c.principal_id)

# That somebody was there, and meant one digest. Each is used once, and is then on the ledger.
proofs = Table(
    "proofs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("method", String(40), nullable=False),
    Column("principal_id", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("request_id", String(40), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("used_at", String(32)),
    Column("evidence", Text, nullable=False),
)
Index("ix_proofs_session_id", proofs.c.session_id)
Index("ix_proofs_expires_at", proofs.c.expires_at)
