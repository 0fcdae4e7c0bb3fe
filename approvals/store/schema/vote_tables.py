"""What people do with a request before it is decided: votes, questions, reading all of it."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table

from countersign.approvals.store.schema.columns import String, Text, metadata, only

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
    **only(questions.c.due_at.is_not(None)),
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
