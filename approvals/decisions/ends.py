"""Ends of sessions: what the row, the ledger and the thread say of each kind of end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.outcomes import Outcomes
from countersign.approvals.decisions.run_writes import change
from countersign.approvals.decisions.undoing import tell_undone
from countersign.approvals.errors import BesideGateError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.forms.wording import as_text
from countersign.approvals.models import ChatState, JsonObject, SessionStatus
from countersign.approvals.ports import Unit
from countersign.approvals.store import chat_states as chat_rows
from countersign.approvals.store import requests as request_rows

BESIDE_GATE = "beside_gate_refused"
"""The ledger's kind of an attempt to execute something that was not a claimed execution."""


@dataclass(frozen=True)
class End:
    """How one session ends."""

    entries: Sequence[tuple[str, JsonObject]]
    """For its ledger, in order."""
    notice: str
    """For its thread."""
    values: JsonObject
    """Columns of its row."""
    state: ChatState | None = None
    """Of its chat, where it has changed."""


def completed(ending: Ending, state: ChatState, progress: Sequence[str]) -> End:
    """The chat has come to an end by itself, after `progress`; that may be a failure, too."""
    words, answer = well_formed(ending.words), well_formed(ending.answer)
    is_completed = ending.status is SessionStatus.COMPLETED
    kind = "session_completed" if is_completed else "session_failed"
    body: JsonObject = {
        **({"answer": answer} if is_completed else {"error": words}),
        "cause": ending.cause,
        "transcript_sha256": state.transcript_sha256,
    }
    values = {
        "status": ending.status.value,
        "cause": ending.cause.value,
        "answer": answer if is_completed else None,
        "error": None if is_completed else words,
    }
    entries = [call.entry() for call in ending.open_calls]
    notice = "\n\n".join([*progress, ending.notice()])
    return End([*entries, (kind, body)], notice, values, state)


def failed(error: str, cause: SessionCause) -> End:
    """The chat cannot go on."""
    return End(
        [("session_failed", {"error": error, "cause": cause})],
        f"**Stopped.** {as_text(error)}",
        {"status": SessionStatus.FAILED.value, "cause": cause.value, "error": error},
    )


def stopped_beside(error: BesideGateError) -> End:
    """Something was stopped beside the gate: the attempt is recorded first."""
    attempt = {name: well_formed(getattr(error, name)) for name in ("agent", "tried", "how")}
    end = failed(well_formed(str(error)), SessionCause.BESIDE_GATE)
    return End([(BESIDE_GATE, attempt), *end.entries], end.notice, end.values)


class Ends:
    """Ends sessions as their runs. Belongs into a transaction."""

    def __init__(self, outcomes: Outcomes, outbox: Outbox):
        self._outcomes, self._outbox = outcomes, outbox

    def end(self, unit: Unit, run: Run, end: End) -> None:
        """The session is over, and what is still open in it is cancelled."""
        found = request_rows.open_and_locked(unit, run.session.id)
        stored = {} if end.state is None else chat_rows.put(unit, run.session.id, end.state)
        values = {**end.values, **stored}
        change(unit, run, end.entries, next_at=None, lease_until=None, **values)
        self._outcomes.cancel_open(unit, run.session.id, "The session has ended.", found)
        self._outbox.tell(unit, run.session, end.notice)
        tell_undone(unit, self._outbox, run.session, end.values["cause"])
