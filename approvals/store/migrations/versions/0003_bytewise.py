"""PostgreSQL: text sorts by its bytes and has no length, as SQLite has it"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = {
    "conversations": "key channel kind principal_id reference updated_at",
    "deliveries": (
        "id request_id channel target status reference next_at error ticket_id look_at doubt_at"
    ),
    "ledger": "session_id at kind body prev_hash hash",
    "notices": "session_id conversation text next_at error",
    "polls": "channel cursor polled_at swept_at next_at error",
    "requests": (
        "id session_id checkpoint_id kind call_id tool arguments proposed_arguments agent executor "
        "rationale risk rule_id reason policy_version digest stages status requester created_at "
        "expires_at decision execution_token result channels"
    ),
    "sessions": (
        "id workflow workflow_version task owner status conversation idempotency_key created_at "
        "updated_at checkpoint_id snapshot answer error lease_owner lease_until next_at ledger_head"
    ),
    "ticket_acts": "channel ticket_id act_id request_id reason at",
    "votes": "request_id principal_id name verdict via identity at comment",
}


def upgrade() -> None:
    """Nothing on SQLite: it is so already."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in COLUMNS.items():
        changes = ", ".join(
            f'ALTER COLUMN "{column}" TYPE text COLLATE "C"' for column in columns.split()
        )
        op.execute(f"ALTER TABLE {table} {changes}")
