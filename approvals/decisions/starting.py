"""Starting: a new session with the first entry of its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from countersign.approvals import ids
from countersign.approvals.audit.ledger import GENESIS
from countersign.approvals.audit.seals import Head
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.errors import InvalidError
from countersign.approvals.models import (
    ConversationKey,
    JsonObject,
    PrincipalId,
    RequestId,
    Session,
    SessionId,
    SessionStatus,
    UndoAct,
)
from countersign.approvals.ports import Unit
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
    *,
    undoes: RequestId | None = None,
    undoing: UndoAct | None = None,
) -> NewSession:
    """A session that runs from now on, not stored yet. Pure."""
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
        undoes=undoes,
        undoing=undoing,
    )
    columns = session_rows.first_columns(session, idempotency_key)
    body: JsonObject = {
        "workflow": workflow,
        "workflow_version": workflow_version,
        "task": task,
        "owner": owner,
        "conversation": conversation,
        **({} if undoes is None else {"undoes": undoes}),
        changes.ROWS: [{"table": "sessions", "key": [session.id], "set": changes.told(columns)}],
    }
    rows, head = ledger_rows.linked((0, GENESIS), session.id, now, [("session_started", body)])
    return NewSession(session, rows, head)


class Starting:
    """Stores new sessions, once for each idempotency key. Belongs into a transaction."""

    def __init__(self, outbox: Outbox, handoff: Handoff):
        self._outbox, self._handoff = outbox, handoff

    def start(self, unit: Unit, opening: NewSession, idempotency_key: str | None) -> Session:
        """The session, due at once; or the one that was started with this key. Raises
        InvalidError if that was asked for differently."""
        session = opening.session
        if idempotency_key is not None:
            known = session_rows.by_key(unit.connection, idempotency_key)
            if known is not None:
                _require_same(known, session)
                return known
        lease = self._handoff.lease(unit)
        session_rows.insert(
            unit.connection,
            session,
            idempotency_key=idempotency_key,
            next_at=unit.now,
            head=opening.head,
            lease=lease,
        )
        ledger_rows.insert(unit, opening.rows)
        if lease is None:
            self._outbox.run(unit, session.id)
        else:
            self._handoff.started(unit, session)
            self._outbox.run_here(unit, session.id)
        return session


def _require_same(known: Session, asked: Session) -> None:
    if (known.workflow, known.task, known.owner) != (asked.workflow, asked.task, asked.owner):
        raise InvalidError(
            f"The idempotency key already belongs to session {known.id}, which was asked for "
            "differently. Use a new key."
        )
