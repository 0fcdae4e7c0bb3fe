"""Cancelling: a session that its owner or an admin ends before it has come to its end."""

from __future__ import annotations

from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.outcomes import Outcomes
from countersign.approvals.decisions.undoing import tell_undone
from countersign.approvals.errors import ClosedError, NotAuthorisedError, ProposedError
from countersign.approvals.forms.causes import SessionCause
from countersign.approvals.models import Actor, JsonObject, Session, SessionId, SessionStatus
from countersign.approvals.ports import Unit
from countersign.approvals.rules.authority import ADMIN_ROLE
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import request_lists
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

_GOES_ON = frozenset({SessionStatus.RUNNING, SessionStatus.WAITING})


class Cancelling:
    """Belongs into a transaction."""

    def __init__(self, outcomes: Outcomes, outbox: Outbox):
        self._outcomes, self._outbox = outcomes, outbox

    def cancel(
        self, unit: Unit, session_id: SessionId, actor: Actor, *, unless_proposed: bool
    ) -> Session:
        """The session as it is then; raises as `Approvals.cancel` says."""
        session_rows.lock(unit, session_id)
        session = session_rows.get(unit.connection, session_id)
        principal = actor.principal
        if principal is None or (
            principal.id != session.owner and ADMIN_ROLE not in principal.roles
        ):
            raise NotAuthorisedError("Only who started a session, or an admin, may cancel it.")
        proposed = unless_proposed and request_lists.page(
            unit.connection, status=None, session_id=session_id, after=None, limit=1
        )
        if proposed and session.status in _GOES_ON:
            raise ProposedError(f"Session {session_id} has proposed calls already.")
        error = f"Cancelled by {principal.name}."
        cause = SessionCause.CANCELLED
        if not session_rows.cancel(unit, session_id, error=error, cause=cause.value):
            raise ClosedError(f"Session {session_id} is already {session.status}.")
        body: JsonObject = {
            "by": principal.id,
            "via": actor.via,
            "identity": actor.identity,
            "cause": cause,
        }
        ledger_rows.append(unit, session_id, ("session_cancelled", body))
        message = f"The session was cancelled by {principal.name}."
        found = request_rows.open_and_locked(unit, session_id)
        self._outcomes.cancel_open(unit, session_id, message, found)
        self._outbox.tell(unit, session, f"**Cancelled** by {principal.name}.")
        tell_undone(unit, self._outbox, session, cause.value)
        return session_rows.get(unit.connection, session_id)
