"""Deadlines: a request that nobody decided in time, or that was asked by a clock that was ahead."""

from __future__ import annotations

from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Cause,
    Decision,
    JsonObject,
    Outcome,
    Request,
    RequestKind,
    RequestStatus,
    Result,
    Verdict,
    Via,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.proposals import not_executed
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.clock_ahead import SKEW

END_CHAT = "exit"
"""What AutoGen reads as a person's wish to end the chat."""
MESSAGE = "Nobody decided in time. Nothing was run."


class Deadlines:
    """Each method belongs into a transaction."""

    def __init__(self, outbox: Outbox):
        self._outbox = outbox

    def see_to(self, unit: Unit, request: Request) -> bool:
        """Do what its time asks for, if anything; whether it has expired."""
        if request.status is not RequestStatus.PENDING:
            return False
        if request.expires_at is not None and request.expires_at <= unit.now:
            self.expire(unit, request)
            return True
        if request.created_at > unit.now + SKEW:
            self.ask_now(unit, request)
        return False

    def expire(self, unit: Unit, request: Request) -> None:
        """The deadline has passed without a decision."""
        after = request.model_copy(
            update={
                "status": RequestStatus.EXPIRED,
                "decision": Decision(
                    verdict=Verdict.REJECT,
                    by="clock",
                    by_name="the deadline",
                    via=Via.CLOCK,
                    at=unit.now,
                    comment=MESSAGE,
                    digest=request.digest,
                ),
                "result": not_executed(Cause.EXPIRED, MESSAGE, retry=True),
            }
        )
        if request.kind is RequestKind.INPUT:
            result = Result(outcome=Outcome.NOT_EXECUTED, content=END_CHAT, cause=Cause.EXPIRED)
            after = after.model_copy(update={"result": result})
        if not request_rows.replace(unit, request, after):
            return
        body: JsonObject = {"request": request.id, "digest": request.digest}
        ledger_rows.append(unit, request.session_id, ("expired", body))
        session = session_rows.get(unit.connection, request.session_id)
        self._outbox.tell(unit, session, told.decided(after), progress=True)
        self._outbox.decided(unit, after)

    def ask_now(self, unit: Unit, request: Request) -> None:
        """It was asked by a clock that was ahead: from now on people have as long as its rule says,
        instead of until that time comes."""
        expires_at = request.expires_at
        if expires_at is not None:
            expires_at = unit.now + (expires_at - request.created_at)
        after = request.model_copy(update={"created_at": unit.now, "expires_at": expires_at})
        decide(unit, request, after)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "created_at": unit.now.isoformat(),
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        }
        ledger_rows.append(unit, request.session_id, ("clock_corrected", body))
        self._outbox.changed(unit, after)
