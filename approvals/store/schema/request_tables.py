"""Requests, and what became of their calls."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, UniqueConstraint, and_

from countersign.approvals.store.schema.columns import Hex, String, Text, metadata, only

requests = Table(
    "requests",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session_id", String(40), ForeignKey("sessions.id"), nullable=False),
    Column("checkpoint_id", String(40), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("call_id", String(200), nullable=False),
    Column("tool", String(200), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("proposed_arguments", Text),
    Column("agent", String(200), nullable=False),
    Column("executor", String(200), nullable=False),
    Column("rationale", Text, nullable=False),
    Column("risk", String(10), nullable=False),
    Column("rule_id", String(300), nullable=False),
    Column("reason", Text, nullable=False),
    Column("policy_version", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("digest", Hex, nullable=False),
    Column("stages", Text, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("requester", String(200), nullable=False),
    Column("idempotent", Integer, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32)),
    Column("decision", Text),
    Column("execution_token", Hex, nullable=False),
    Column("executing_epoch", Integer),
    Column("result", Text),
    Column("channels", Text, nullable=False, server_default='["teams"]'),
    Column("traceparent", String(55)),
    # "" where the digest is of the form before tools had schema versions.
    Column("schema_version", String(64), nullable=False, server_default=""),
    Column("defaulted", Text),
    Column("written", Text),
    Column("injected", Text),
    Column("show_first", Text),
    Column("valid_for_s", Float),
    Column("facts", Text),
    Column("preview", Text),
    Column("asked_again", Text, nullable=False, server_default=""),
    Column("call_hash", Hex, nullable=False, server_default=""),
    Column("same_calls", Text),
    # Where its `proposed` stands in the chain of its session.
    Column("ledger_seq", Integer, nullable=False, server_default="0"),
    # What comes before its deadline, as JSON, and when the next of that is due.
    Column("timing", Text),
    Column("next_step_at", String(32)),
    Column("budgets", Text),
    Column("seen", Text),
    Column("questions", Integer, nullable=False, server_default="0"),
    Column("undo", Text),
    Column("parallel", Text),
    # Of a test of whether people look: what is right, and how it ended. No ledger entry tells of
    # it before then.
    Column("canary", Text),
    # The people who changed it, where any did.
    Column("changed_by", Text),
    # "" where the digest is of the form before there were salts.
    Column("digest_salt", Hex, nullable=False, server_default=""),
    UniqueConstraint("session_id", "call_id"),
)
Index(
    "ix_requests_status_created_at_id",
    requests.c.status,
    requests.c.created_at,
    requests.c.id,
)
_pending = requests.c.status == "pending"
# The status first, although it is always the same: without it SQLite, which has no statistics,
# would rather go through all that is pending.
Index(
    "ix_requests_status_expires_at",
    requests.c.status,
    requests.c.expires_at,
    **only(_pending),
)
_steps = and_(_pending, requests.c.next_step_at.is_not(None))
Index(
    "ix_requests_status_next_step_at",
    requests.c.status,
    requests.c.next_step_at,
    **only(_steps),
)
# Of what a rule has seen when it was proposed: what speaks for another phase of it.
_seen = requests.c.seen.is_not(None)
Index(
    "ix_requests_rule_id_created_at",
    requests.c.rule_id,
    requests.c.created_at,
    **only(_seen),
)

_canary = requests.c.canary.is_not(None)
Index(
    "ix_requests_canary",
    requests.c.session_id,
    requests.c.created_at,
    **only(_canary),
)

# Which roles the open stage of each pending request asks for, and whom it keeps out.
open_roles = Table(
    "open_roles",
    metadata,
    Column("role", String(200), primary_key=True),
    Column("created_at", String(32), primary_key=True),
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("requester", String(200), nullable=False),
    Column("revision", Integer, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_open_roles_request_id", open_roles.c.request_id)

# Pending requests of which people were told that nobody can decide them.
nobody_left = Table(
    "nobody_left",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)

# Results that are longer than agents are given.
result_texts = Table(
    "result_texts",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("text", Text, nullable=False),
)
