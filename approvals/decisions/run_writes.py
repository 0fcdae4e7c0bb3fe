"""Run writes: columns of the session and entries of its ledger, as the run that holds its lease."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from countersign.approvals.decisions.handoff import Run
from countersign.approvals.models import JsonObject, SessionStatus
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import sessions as session_rows

WAITING = {
    "status": SessionStatus.WAITING.value,
    "next_at": None,
    "lease_until": None,
    "lease_owner": None,
}
"""The columns of a session that waits for people: nobody runs it."""


def change(unit: Unit, run: Run, entries: Sequence[tuple[str, JsonObject]], **values: Any) -> None:
    """Write both. Raises LostLeaseError if another run began since."""
    session_id = run.session.id
    before = ledger_rows.locked_head(unit, session_id)
    session_rows.note(unit, session_id, values)
    told = changes.with_rows(unit, session_id, entries)
    private = unit.moment.private
    rows, (seq, last_hash) = ledger_rows.linked(before, session_id, unit.now, told, private)
    ledger_rows.insert(unit, rows)
    head = {"ledger_seq": seq, "ledger_head": last_hash}
    session_rows.change(unit, session_id, run.epoch, **head, **values)
