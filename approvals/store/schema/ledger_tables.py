"""The chains of sessions, and the tree that they are sealed in."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from countersign.approvals.store.schema.columns import String, Text, metadata

ledger = Table(
    "ledger",
    metadata,
    Column("session_id", String(40), ForeignKey("sessions.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # The body is committed to by its hash with a salt; both are "" in entries of before that.
    Column("salt", String(32), nullable=False, server_default=""),
    Column("commitment", String(64), nullable=False, server_default=""),
    # The salts of what is committed to on its own, as JSON by pointer; "" where nothing is.
    Column("fields", Text, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

# Where chains stood, outside of them: a session that is deleted whole leaves its name here. Each
# seal is a size of the tree of `ledger_leaves` and its root; those of before that name the chains.
ledger_seals = Table(
    "ledger_seals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("heads", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("size", Integer, nullable=False, server_default="0"),
    Column("root", String(64), nullable=False, server_default=""),
)

# The leaves of the Merkle tree: where a chain stood when it was sealed.
ledger_leaves = Table(
    "ledger_leaves",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("session_id", String(40), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
Index("ix_ledger_leaves_session_id_seq", ledger_leaves.c.session_id, ledger_leaves.c.seq)

# Hashes of whole subtrees of 256 ** level leaves, so that no proof has to read all leaves.
ledger_nodes = Table(
    "ledger_nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hash", String(64), nullable=False),
    sqlite_with_rowid=False,
)

# Signed sizes of the tree. The keys are nowhere in the database.
ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("key_id", String(8), primary_key=True),
    Column("at", String(32), nullable=False),
    Column("note", Text, nullable=False),
    sqlite_with_rowid=False,
)
