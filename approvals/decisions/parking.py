"""Parking: a run that cannot go on now gives its lease back and comes again later."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from countersign.approvals.backoff import backoff_s
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.forms.wording import as_text
from countersign.approvals.ports import Unit
from countersign.approvals.store import codec
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

PARK_ATTEMPTS = 14
"""With the back-off below: about half an hour of an unreachable model before a session fails."""
PARK_BASE_S, PARK_MAX_S = 2.0, 300.0
WAITS = "This waits for its workflow and has not run."


class WaitsFor(NamedTuple):
    """What a session waits for that may take however long."""

    kind: str
    """The ledger's kind of the entry that says so."""
    words: str
    """What people are told before the cause."""


WORKFLOW = WaitsFor("workflow_missing", WAITS)
HELD = WaitsFor("held", "This was approved, waits, and has not run.")


class Parking:
    """Belongs into a transaction."""

    def __init__(self, outbox: Outbox):
        self._outbox = outbox

    def park(
        self, unit: Unit, run: Run, error: str, before: int, *, waits_for: WaitsFor | None = None
    ) -> None:
        """Come again with back-off, after `before` earlier times. With `waits_for` the session
        waits for what `error` names, which people and the ledger are told once."""
        delay_s = backoff_s(before, PARK_BASE_S, PARK_MAX_S)
        session_rows.change(
            unit,
            run.session.id,
            run.epoch,
            attempts=before + 1,
            error=error,
            lease_until=None,
            next_at=codec.to_text(unit.now + timedelta(seconds=delay_s)),
        )
        if waits_for is not None:
            self._say_what_it_waits_for(unit, run, error, waits_for)
        elif before == 0:
            text = f"I cannot go on right now and will try again: {as_text(error)}"
            self._outbox.tell(unit, run.session, text, progress=True)

    def _say_what_it_waits_for(self, unit: Unit, run: Run, error: str, waits_for: WaitsFor) -> None:
        if run.session.error == error:
            return
        session_id = run.session.id
        ledger_rows.append(unit, session_id, (waits_for.kind, {"error": error}))
        self._outbox.tell(unit, run.session, f"**{waits_for.words}** {as_text(error)}")
        for request in request_rows.open_of_session(unit.connection, session_id):
            self._outbox.changed(unit, request)
