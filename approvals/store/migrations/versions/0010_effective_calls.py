"""effective calls: what the body receives is what is signed, and why sessions end"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import TypeEngine

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _string(length: int) -> TypeEngine[str]:
    return sa.String(length=length).with_variant(TEXT(collation="C"), "postgresql")


def _text() -> TypeEngine[str]:
    return sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """What waits already has no schema version: its digest is of the old form, so it is asked
    again at the next vote."""
    for column in (
        sa.Column("schema_version", _string(64), nullable=False, server_default=""),
        sa.Column("defaulted", _text(), nullable=True),
        sa.Column("written", _text(), nullable=True),
        sa.Column("injected", _text(), nullable=True),
        sa.Column("show_first", _text(), nullable=True),
        sa.Column("valid_for_s", sa.Float(), nullable=True),
        sa.Column("facts", _text(), nullable=True),
        sa.Column("preview", _text(), nullable=True),
        sa.Column("asked_again", _text(), nullable=False, server_default=""),
        sa.Column("call_hash", _string(64), nullable=False, server_default=""),
        sa.Column("same_calls", _text(), nullable=True),
        sa.Column("ledger_seq", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("requests", column)
    also = sa.Column("also", _text(), nullable=False, server_default="[]")
    op.add_column("votes", also)
    op.add_column("sessions", sa.Column("cause", _string(40), nullable=True))
    op.add_column("conversations", sa.Column("blocked_at", _string(32), nullable=True))
    op.add_column("conversations", sa.Column("blocked_reason", _text(), nullable=True))
    op.create_index(
        "ix_conversations_blocked_at",
        "conversations",
        ["blocked_at"],
        unique=False,
        sqlite_where=sa.text("blocked_at IS NOT NULL"),
        postgresql_where=sa.text("blocked_at IS NOT NULL"),
    )
    _closed_is_not_gone()
    _of_requests()
    op.create_table(
        "ledger_seals",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", _string(32), nullable=False),
        sa.Column("heads", _text(), nullable=False),
        sa.Column("prev_hash", _string(64), nullable=False),
        sa.Column("hash", _string(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_seals")),
    )


def _closed_is_not_gone() -> None:
    """What was given up because Teams answered 403 is tried once more, and then waits until people
    undo that refusal."""
    op.execute(
        "UPDATE deliveries SET status = 'unreachable', next_at = '2026-01-01T00:00:00.000000+00:00'"
        " WHERE status = 'abandoned' AND channel = 'teams' AND error LIKE '%status 403%'"
    )


def _of_requests() -> None:
    op.create_table(
        "request_openings",
        sa.Column("request_id", _string(40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("principal_id", _string(200), nullable=False),
        sa.Column("at", _string(32), nullable=False),
        _to_request("request_openings"),
        sa.PrimaryKeyConstraint(
            "request_id", "revision", "principal_id", name=op.f("pk_request_openings")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "open_roles",
        sa.Column("role", _string(200), nullable=False),
        sa.Column("created_at", _string(32), nullable=False),
        sa.Column("request_id", _string(40), nullable=False),
        sa.Column("requester", _string(200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        _to_request("open_roles"),
        sa.PrimaryKeyConstraint("role", "created_at", "request_id", name=op.f("pk_open_roles")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_open_roles_request_id", "open_roles", ["request_id"], unique=False)
    _fill_open_roles()
    op.create_table(
        "nobody_left",
        sa.Column("request_id", _string(40), nullable=False),
        sa.Column("at", _string(32), nullable=False),
        _to_request("nobody_left"),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_nobody_left")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "result_texts",
        sa.Column("request_id", _string(40), nullable=False),
        sa.Column("text", _text(), nullable=False),
        _to_request("result_texts"),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_result_texts")),
    )
    op.create_table(
        "vote_refusals",
        sa.Column("request_id", _string(40), nullable=False),
        sa.Column("identity", _string(300), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _to_request("vote_refusals"),
        sa.PrimaryKeyConstraint("request_id", "identity", name=op.f("pk_vote_refusals")),
        sqlite_with_rowid=False,
    )


def _fill_open_roles() -> None:
    """A row for every role of the open stage of what is pending; who asks may not decide a call,
    and answers a question of `owner`."""
    connection = op.get_bind()
    pending = sa.text(
        "SELECT id, kind, stages, stage, requester, revision, created_at FROM requests"
        " WHERE status = 'pending' AND (created_at > :at OR created_at = :at AND id > :id)"
        " AND created_at >= :at ORDER BY created_at, id LIMIT 1000"
    )
    added = sa.text(
        "INSERT INTO open_roles (role, created_at, request_id, requester, revision)"
        " VALUES (:role, :created_at, :request_id, :requester, :revision)"
    )
    at, last = "", ""
    while page := connection.execute(pending, {"at": at, "id": last}).all():
        rows = [row for request in page for row in _open_roles_of(request)]
        if rows:
            connection.execute(added, rows)
        at, last = page[-1].created_at, page[-1].id


def _open_roles_of(request: sa.Row[tuple[object, ...]]) -> list[dict[str, object]]:
    stages, question = json.loads(request.stages), request.kind == "input"
    roles = stages[request.stage]["roles"] if request.stage < len(stages) else []
    mine = [f"owner:{request.requester}"] if question and "owner" in roles else []
    return [
        {
            "role": role,
            "created_at": request.created_at,
            "request_id": request.id,
            "requester": "" if question else request.requester,
            "revision": request.revision,
        }
        for role in dict.fromkeys([*roles, *mine])
    ]


def _to_request(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["request_id"], ["requests.id"], name=op.f(f"fk_{table}_request_id")
    )
