"""packed: on SQLite chats and digests take less room

A chat's state is packed, and three digests of each request are the bytes that they say. SQLite
keeps bytes in columns that are declared as text, so only the values change.
"""

from __future__ import annotations

from typing import Any

from alembic import op

from countersign.approvals.store.packing import pack

revision = "0045"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing on PostgreSQL, where servers of the release before go on meanwhile."""
    if op.get_bind().dialect.name != "sqlite":
        return
    driver: Any = op.get_bind().connection.dbapi_connection
    driver.create_function("packed", 1, pack, deterministic=True)
    driver.create_function("bytes_of", 1, _bytes_of, deterministic=True)
    op.execute("UPDATE sessions SET snapshot = packed(snapshot) WHERE typeof(snapshot) = 'text'")
    op.execute(
        "UPDATE requests SET digest = bytes_of(digest), call_hash = bytes_of(call_hash), "
        "execution_token = bytes_of(execution_token)"
    )


def _bytes_of(found: str | bytes) -> str | bytes:
    """What is no digest stays as it is: `ledger verify` names it."""
    try:
        return bytes.fromhex(found) if isinstance(found, str) else found
    except ValueError:
        return found
