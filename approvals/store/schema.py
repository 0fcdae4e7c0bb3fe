"""The tables. Times are ISO 8601 UTC text of fixed width, so that they sort; JSON is text."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    and_,
)
from sqlalchemy import String as _String
from sqlalchemy import Text as _Text
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import TypeEngine

_BYTEWISE = TEXT(collation="C")
"""On PostgreSQL all text sorts by its bytes, as on SQLite, and has no length that is enforced."""


def String(length: int) -> TypeEngine[Any]:  # noqa: N802 - reads as the type that it gives
    """Text of about this length."""
    return _String(length).with_variant(_BYTEWISE, "postgresql")


Text: TypeEngine[Any] = _Text().with_variant(_BYTEWISE, "postgresql")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("workflow", String(100), nullable=False),
    Column("workflow_version", String(100), nullable=False),
    Column("task", Text, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("status", String(20), nullable=False),
    Column("conversation", String(600)),
    Column("idempotency_key", String(300), unique=True),
    Column("created_at", String(32), nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("checkpoint_id", String(40)),
    Column("snapshot", Text),
    Column("answer", Text),
    Column("error", Text),
    # Run lease: one process at a time; every write of a run compares `epoch`.
    Column("epoch", Integer, nullable=False, default=0),
    Column("lease_owner", String(64)),
    Column("lease_until", String(32)),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", String(32)),
    # Head of this session's ledger chain.
    Column("ledger_seq", Integer, nullable=False, default=0),
    Column("ledger_head", String(64), nullable=False),
    Column("cause", String(40)),
    # How many rows of session_messages the snapshot builds upon.
    Column("chunks", Integer, nullable=False, server_default="0"),
    # The pause for whose end it waits: nobody runs it until then.
    Column("held_by", String(40)),
)
Index(
    "ix_sessions_next_at",
    sessions.c.next_at,
    sqlite_where=sessions.c.next_at.is_not(None),
    postgresql_where=sessions.c.next_at.is_not(None),
)
Index(
    "ix_sessions_status_created_at",
    sessions.c.status,
    sessions.c.created_at,
    sessions.c.id,
)
Index(
    "ix_sessions_held_by",
    sessions.c.held_by,
    sqlite_where=sessions.c.held_by.is_not(None),
    postgresql_where=sessions.c.held_by.is_not(None),
)
_in_conversation = sessions.c.conversation.is_not(None)
Index(
    "ix_sessions_conversation",
    sessions.c.conversation,
    sessions.c.created_at,
    sqlite_where=_in_conversation,
    postgresql_where=_in_conversation,
)

session_messages = Table(
    "session_messages",
    metadata,
    Column("session_id", String(40), ForeignKey("sessions.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("messages", Text, nullable=False),
)

policy_versions = Table(
    "policy_versions",
    metadata,
    Column("version", String(64), primary_key=True),
    Column("document", Text, nullable=False),
    Column("first_used_at", String(32), nullable=False),
)

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
    Column("digest", String(64), nullable=False),
    Column("stages", Text, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("requester", String(200), nullable=False),
    Column("idempotent", Integer, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32)),
    Column("decision", Text),
    Column("execution_token", String(64), nullable=False),
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
    Column("call_hash", String(64), nullable=False, server_default=""),
    Column("same_calls", Text),
    # Where its `proposed` stands in the chain of its session.
    Column("ledger_seq", Integer, nullable=False, server_default="0"),
    # What comes before its deadline, as JSON, and when the next of that is due.
    Column("timing", Text),
    Column("next_step_at", String(32)),
    Column("budgets", Text),
    Column("seen", Text),
    Column("questions", Integer, nullable=False, server_default="0"),
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
    sqlite_where=_pending,
    postgresql_where=_pending,
)
_steps = and_(_pending, requests.c.next_step_at.is_not(None))
Index(
    "ix_requests_status_next_step_at",
    requests.c.status,
    requests.c.next_step_at,
    sqlite_where=_steps,
    postgresql_where=_steps,
)

votes = Table(
    "votes",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("principal_id", String(200), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("stage", Integer, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("via", String(20), nullable=False),
    Column("identity", String(300), nullable=False),
    Column("at", String(32), nullable=False),
    Column("comment", Text, nullable=False),
    # Later stages for which it counts as well.
    Column("also", Text, nullable=False, server_default="[]"),
    # Of the person's presence, where the rule asks for it.
    Column("proof", Text),
    # Whom its person stood in for.
    Column("on_behalf_of", String(200), nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

# Who has read all of a revision that did not fit where it was asked.
request_openings = Table(
    "request_openings",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("principal_id", String(200), primary_key=True),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)

# What those who decide ask about a request before they do.
questions = Table(
    "questions",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("asker", String(200), nullable=False),
    Column("asker_name", String(300), nullable=False),
    Column("via", String(20), nullable=False),
    Column("identity", String(300), nullable=False),
    Column("text", Text, nullable=False),
    Column("asked_at", String(32), nullable=False),
    Column("status", String(20), nullable=False),
    Column("answer", Text, nullable=False),
    Column("answered_by", String(10)),
    Column("answerer", String(200), nullable=False),
    Column("answerer_name", String(300), nullable=False),
    Column("answered_via", String(20), nullable=False),
    Column("answered_at", String(32)),
    Column("calls", Text, nullable=False),
    Column("why", Text, nullable=False),
    # When the agent is to be asked (again), and how often it was.
    Column("due_at", String(32)),
    Column("attempts", Integer, nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "ix_questions_due_at",
    questions.c.due_at,
    sqlite_where=questions.c.due_at.is_not(None),
    postgresql_where=questions.c.due_at.is_not(None),
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

# What each call has drawn on each budget: kept unless nothing has happened.
budget_uses = Table(
    "budget_uses",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("budget", String(100), primary_key=True),
    Column("scope", String(300), nullable=False),
    Column("at", String(32), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", String(60), nullable=False),
    Column("released_at", String(32)),
    sqlite_with_rowid=False,
)
Index(
    "ix_budget_uses_budget_scope_at",
    budget_uses.c.budget,
    budget_uses.c.scope,
    budget_uses.c.at,
)

# What is used of each budget since a moment, so that nobody has to add it up: whoever draws on a
# budget locks its row here.
budget_counters = Table(
    "budget_counters",
    metadata,
    Column("budget", String(100), primary_key=True),
    Column("scope", String(300), primary_key=True),
    # Its window and its currency; counted anew when they are others.
    Column("definition", String(200), nullable=False),
    Column("since", String(32), nullable=False),
    Column("count", Integer, nullable=False),
    Column("amount", String(60), nullable=False),
    sqlite_with_rowid=False,
)

# How often somebody tried a vote that they may not cast.
vote_refusals = Table(
    "vote_refusals",
    metadata,
    Column("request_id", String(40), ForeignKey("requests.id"), primary_key=True),
    Column("identity", String(300), primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", String(40), ForeignKey("requests.id"), nullable=False),
    Column("channel", String(40), nullable=False),
    Column("target", String(700), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reference", Text),
    Column("shown_version", Integer, nullable=False, default=0),
    Column("wanted_version", Integer, nullable=False, default=1),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", String(32)),
    Column("error", Text),
    # Tickets: which one it is, when to read it, and when one was asked for without an answer.
    Column("ticket_id", String(200)),
    Column("look_at", String(32)),
    Column("doubt_at", String(32)),
    UniqueConstraint("request_id", "channel", "target"),
)
Index(
    "ix_deliveries_next_at",
    deliveries.c.next_at,
    sqlite_where=deliveries.c.next_at.is_not(None),
    postgresql_where=deliveries.c.next_at.is_not(None),
)
Index("ix_deliveries_target_status", deliveries.c.target, deliveries.c.status)

Index(
    "ix_deliveries_look_at",
    deliveries.c.look_at,
    sqlite_where=deliveries.c.look_at.is_not(None),
    postgresql_where=deliveries.c.look_at.is_not(None),
)
Index(
    "ix_deliveries_channel_ticket_id",
    deliveries.c.channel,
    deliveries.c.ticket_id,
    sqlite_where=deliveries.c.ticket_id.is_not(None),
    postgresql_where=deliveries.c.ticket_id.is_not(None),
)

# Messages to places where requests are shown: that they still wait.
reminders = Table(
    "reminders",
    metadata,
    Column("delivery_id", String(40), ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("escalated", Integer, nullable=False),
    Column("next_at", String(32), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    sqlite_with_rowid=False,
)
Index("ix_reminders_next_at", reminders.c.next_at)

# What people did in tickets: each act counts once.
ticket_acts = Table(
    "ticket_acts",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("ticket_id", String(200), primary_key=True),
    Column("act_id", String(200), primary_key=True),
    Column("request_id", String(40), ForeignKey("requests.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("answered", Integer, nullable=False, default=0),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)

# How far each ticket system has been read, and when it is read next.
polls = Table(
    "polls",
    metadata,
    Column("channel", String(40), primary_key=True),
    Column("cursor", Text),
    Column("polled_at", String(32)),
    Column("swept_at", String(32)),
    Column("next_at", String(32), nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text),
    sqlite_with_rowid=False,
)

notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("session_id", String(40), ForeignKey("sessions.id"), nullable=False),
    Column("conversation", String(600), nullable=False),
    Column("text", Text, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", String(32)),
    Column("error", Text),
    Column("progress", Integer, nullable=False, server_default="0"),
    Column("reference", Text),
)
Index(
    "ix_notices_reference",
    notices.c.session_id,
    notices.c.id,
    sqlite_where=notices.c.reference.is_not(None),
    postgresql_where=notices.c.reference.is_not(None),
)
Index(
    "ix_notices_next_at",
    notices.c.next_at,
    sqlite_where=notices.c.next_at.is_not(None),
    postgresql_where=notices.c.next_at.is_not(None),
)
Index(
    "ix_notices_conversation",
    notices.c.conversation,
    notices.c.id,
    sqlite_where=notices.c.next_at.is_not(None),
    postgresql_where=notices.c.next_at.is_not(None),
)

conversations = Table(
    "conversations",
    metadata,
    Column("key", String(600), primary_key=True),
    Column("channel", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("principal_id", String(200)),
    Column("reference", Text, nullable=False),
    Column("updated_at", String(32), nullable=False),
    Column("blocked_at", String(32)),
    Column("blocked_reason", Text),
)
Index(
    "ix_conversations_principal_id_channel",
    conversations.c.principal_id,
    conversations.c.channel,
)
Index(
    "ix_conversations_blocked_at",
    conversations.c.blocked_at,
    sqlite_where=conversations.c.blocked_at.is_not(None),
    postgresql_where=conversations.c.blocked_at.is_not(None),
)

# The chain of what belongs to no session. Its end is its last row.
governance = Table(
    "governance",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # The body is committed to by its hash with a salt; both are "" in entries of before that.
    Column("salt", String(32), nullable=False, server_default=""),
    Column("commitment", String(64), nullable=False, server_default=""),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("by_name", String(300), nullable=False),
    Column("via", String(20), nullable=False),
    Column("at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("ended_by", String(200)),
    Column("ended_by_name", String(300)),
    Column("ended_via", String(20)),
    # What the places that show its requests have not been told yet: 1 its beginning, 2 its end.
    Column("untold", Integer, nullable=False),
)
_holds = pauses.c.ended_at.is_(None)
Index(
    "ix_pauses_kind_name",
    pauses.c.kind,
    pauses.c.name,
    unique=True,
    sqlite_where=_holds,
    postgresql_where=_holds,
)
Index(
    "ix_pauses_untold",
    pauses.c.untold,
    sqlite_where=pauses.c.untold > 0,
    postgresql_where=pauses.c.untold > 0,
)

delegations = Table(
    "delegations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("giver", String(200), nullable=False),
    Column("giver_name", String(300), nullable=False),
    Column("delegate", String(200), nullable=False),
    Column("delegate_name", String(300), nullable=False),
    Column("starts_at", String(32), nullable=False),
    Column("ends_at", String(32), nullable=False),
    Column("roles", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("via", String(20), nullable=False),
    Column("at", String(32), nullable=False),
    Column("revoked_at", String(32)),
    Column("revoked_by", String(200)),
    Column("revoked_by_name", String(300)),
    Column("revoked_via", String(20)),
    # 1: its delegate was not shown yet what waits.
    Column("untold", Integer, nullable=False),
)
Index(
    "ix_delegations_untold",
    delegations.c.starts_at,
    sqlite_where=delegations.c.untold > 0,
    postgresql_where=delegations.c.untold > 0,
)

grants = Table(
    "grants",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("request_id", String(40), nullable=False),
    Column("workflow", String(100), nullable=False),
    Column("tool", String(200), nullable=False),
    Column("rule_id", String(300), nullable=False),
    Column("rule_sha256", String(64), nullable=False),
    Column("same", Text, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("uses", Integer),
    Column("total", String(40)),
    Column("currency", String(3)),
    Column("expires_at", String(32)),
    Column("givers", Text, nullable=False),
    Column("complete", Integer, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
    Column("revoked_by", String(200)),
    Column("revoked_by_name", String(300)),
)
_not_revoked = grants.c.revoked_at.is_(None)
Index(
    "uq_grants_request_id",
    grants.c.request_id,
    unique=True,
    sqlite_where=_not_revoked,
    postgresql_where=_not_revoked,
)
Index("ix_grants_tool", grants.c.tool, sqlite_where=_not_revoked, postgresql_where=_not_revoked)

# What has run by a grant; each says how much it comes to with those before.
grant_uses = Table(
    "grant_uses",
    metadata,
    Column("grant_id", String(40), ForeignKey("grants.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("request_id", String(40), ForeignKey("requests.id"), nullable=False),
    Column("total", String(40), nullable=False),
    Column("at", String(32), nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_grant_uses_request_id", grant_uses.c.request_id)

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
    sqlite_with_rowid=False,
)

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
