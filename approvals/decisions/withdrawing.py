"""Withdrawing: a vote that its person takes back while the request is pending.

What the ledger has of it stays there.
"""

from __future__ import annotations

import structlog

from countersign.approvals.decisions.deadlines import Deadlines
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import Refusal
from countersign.approvals.decisions.replacing import decide
from countersign.approvals.errors import InvalidError, NotAuthorisedError
from countersign.approvals.forms import told
from countersign.approvals.models import Actor, JsonObject, Request, RequestId
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.lifecycle import tally
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store import votes as vote_rows
from countersign.approvals.tickets import ActKey

log = structlog.get_logger(__name__)

TAKEN_BACK = "{who} has taken back an approval, so it is asked from its first step on."


class Withdrawing:
    """Takes votes back."""

    def __init__(self, store: Store, moments: Moments, deadlines: Deadlines, outbox: Outbox):
        self._store, self._moments = store, moments
        self._deadlines, self._outbox = deadlines, outbox

    async def withdraw(
        self, request_id: RequestId, actor: Actor, act: ActKey | None = None
    ) -> Request:
        """The request without this person's vote; raises as `Approvals.withdraw` says."""

        def work(unit: Unit) -> Request | Refusal:
            request_rows.lock(unit, request_id)
            if act is not None and ticket_rows.act(unit.connection, act) is not None:
                return request_rows.get(unit.connection, request_id)
            outcome = self._withdraw(unit, request_id, actor)
            if act is not None:
                ticket_rows.record_act(unit.connection, act, request_id, "", unit.now)
            return outcome

        outcome = await self._moments.unit(self._store, work)
        if isinstance(outcome, Refusal):
            raise outcome.error
        log.info("vote withdrawn", request_id=request_id, channel=actor.via)
        return outcome

    def _withdraw(self, unit: Unit, request_id: RequestId, actor: Actor) -> Request | Refusal:
        request, session = request_rows.with_session(unit, request_id)
        still = self._deadlines.still_open(unit, request, session)
        if isinstance(still, Refusal):
            return still
        request = still
        if actor.principal is None:
            raise NotAuthorisedError("You are not known here.")
        votes = vote_rows.of_request(unit.connection, request.id)
        votes = [vote for vote in votes if vote.revision == request.revision]
        mine = next((v for v in votes if v.principal_id == actor.principal.id), None)
        if mine is None:
            raise InvalidError(
                "You have not voted on this request as it stands, so there is nothing to take back."
            )
        vote_rows.remove(unit, session.id, mine)
        left = tally(request.stages, [vote for vote in votes if vote is not mine])
        after = request.model_copy(update={"stage": left.stage})
        if after.step != request.step and self._outbox.in_tickets(request):
            # The ticket of the step that was through is closed, and stays so: all are asked anew.
            after = after.model_copy(
                update={
                    "revision": request.revision + 1,
                    "stage": 0,
                    "asked_again": TAKEN_BACK.format(who=mine.name),
                }
            )
        decide(unit, request, after)
        self._outbox.show(
            unit,
            session,
            [after],
            anew=after.step != request.step,  # a step that was through is asked once more
            said=[told.withdrawn(after, mine)],
        )
        body: JsonObject = {
            "request": request.id,
            "revision": request.revision,
            "digest": request.digest,
            "by": mine.principal_id,
            "name": mine.name,
            "verdict": mine.verdict,
            "stage": mine.stage,
            "via": actor.via,
            "identity": actor.identity,
        }
        ledger_rows.append(unit, session.id, ("vote_withdrawn", body))
        self._outbox.changed(unit, after)
        return after
