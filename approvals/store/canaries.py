"""Queries on canaries: whom one was sent, how they ended, and beside which calls they look real."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from countersign.approvals.models import (
    Canary,
    PrincipalId,
    RequestKind,
    RequestStatus,
    SessionId,
    SessionStatus,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.oversight import Tried
from countersign.approvals.store import codec
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.schema import requests, sessions

IS_REAL = requests.c.canary.is_(None)
"""Of a request that no rule has made up."""
OF_CANARY = (
    select(requests.c.id)
    .where(requests.c.session_id == sessions.c.id, requests.c.canary.is_not(None))
    .exists()
)
"""Of a session that stands behind a canary only."""


class Beside(NamedTuple):
    """The newest real call of a tool, which a canary looks like."""

    agent: str
    executor: str
    workflow_version: str


def newest_beside(
    connection: Connection, workflow: str, tool: str, since: datetime
) -> Beside | None:
    """What a canary of this tool looks like; None if nobody was asked of it since then."""
    found: list[tuple[str, Beside]] = []
    for status in RequestStatus:
        query = (
            select(
                requests.c.created_at,
                requests.c.agent,
                requests.c.executor,
                sessions.c.workflow_version,
            )
            .join(sessions, sessions.c.id == requests.c.session_id)
            .where(
                requests.c.status == status.value,
                requests.c.created_at >= codec.to_text(since),
                requests.c.tool == tool,
                requests.c.kind == RequestKind.TOOL.value,
                requests.c.stages != "[]",
                sessions.c.workflow == workflow,
                IS_REAL,
            )
            .order_by(requests.c.created_at.desc(), requests.c.id.desc())
            .limit(1)
        )
        row = connection.execute(query).first()
        if row is not None:
            found.append((row[0], Beside(*row[1:])))
    return max(found)[1] if found else None


def sent_since(connection: Connection, since: datetime) -> frozenset[PrincipalId]:
    """Everybody who could decide a canary that was sent since then."""
    query = select(requests.c.canary).where(
        requests.c.canary.is_not(None), requests.c.created_at > codec.to_text(since)
    )
    found = (Canary.model_validate_json(text) for text in connection.execute(query).scalars())
    return frozenset(person for canary in found for person in canary.could)


def tried(connection: Connection, since: datetime, until: datetime) -> Sequence[Tried]:
    """The canaries of a time that have ended."""
    query = select(requests.c.rule_id, requests.c.canary).where(
        requests.c.canary.is_not(None),
        requests.c.status != RequestStatus.PENDING.value,
        requests.c.created_at >= codec.to_text(since),
        requests.c.created_at < codec.to_text(until),
    )
    rows = connection.execute(query).all()
    return [Tried(rule, Canary.model_validate_json(text)) for rule, text in rows]


def waits(unit: Unit, session_id: SessionId, checkpoint_id: str) -> None:
    """The session of a canary, new in this unit: it waits, and nobody ever runs it. A ledger entry
    has to follow."""
    session_rows.wait(unit, session_id)
    values = {"checkpoint_id": checkpoint_id}
    unit.connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))
    session_rows.note(unit, session_id, {**values, "status": SessionStatus.WAITING.value})


def over(unit: Unit, session_id: SessionId, answer: str, cause: str) -> None:
    """The session of a canary has ended. A ledger entry has to follow."""
    end = {"status": SessionStatus.COMPLETED.value, "cause": cause, "answer": answer}
    unit.connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(**end, next_at=None, updated_at=codec.to_text(unit.now))
    )
    session_rows.note(unit, session_id, end)
