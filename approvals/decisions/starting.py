"""Starting: a new session with the first entry of its ledger, not stored yet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from countersign.approvals import ids
from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.audit.seals import Head
from countersign.approvals.models import (
    ConversationKey,
    JsonObject,
    PrincipalId,
    Session,
    SessionId,
    SessionStatus,
)
from countersign.approvals.store import changes
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.prepared import Parameters


@dataclass(frozen=True)
class NewSession:
    """A session and its ledger up to `head`."""

    session: Session
    rows: Sequence[Parameters]
    """Of the table of the ledger."""
    head: Head


def new_session(
    workflow: str,
    workflow_version: str,
    task: str,
    owner: PrincipalId,
    conversation: ConversationKey | None,
    idempotency_key: str | None,
    now: datetime,
) -> NewSession:
    """A session that runs from now on."""
    session = Session(
        id=SessionId(ids.new_id("S")),
        workflow=workflow,
        workflow_version=workflow_version,
        task=task,
        owner=owner,
        status=SessionStatus.RUNNING,
        conversation=conversation,
        created_at=now,
        updated_at=now,
    )
    columns = session_rows.first_columns(session, idempotency_key)
    body: JsonObject = {
        "workflow": workflow,
        "workflow_version": workflow_version,
        "task": task,
        "owner": owner,
        "conversation": conversation,
        changes.ROWS: [{"table": "sessions", "key": [session.id], "set": changes.told(columns)}],
    }
    rows, head = ledger_rows.linked((0, GENESIS), session.id, now, [("session_started", body)])
    return NewSession(session, rows, head)
