"""Together: one decision of a person on several calls that were proposed together.

All votes commit in one transaction, or none does. Each is a vote like every other one, on the
ledger with the digest that its person was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from typing_extensions import override

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.asking import AskAgain
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.reasking import Reasking
from countersign.approvals.decisions.refusals import Refusal
from countersign.approvals.decisions.remarks import Remarks
from countersign.approvals.decisions.sharing import Sharing
from countersign.approvals.decisions.vote_input import VoteInput
from countersign.approvals.decisions.voting import Voting
from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotAuthorisedError,
    StaleDigestError,
)
from countersign.approvals.models import Actor, Placing, Request, RequestId, Verdict
from countersign.approvals.ports import Jobs, Store, Unit
from countersign.approvals.store import requests as request_rows

log = structlog.get_logger(__name__)
MOST = 500
"""Calls that one decision is for."""


class _NotAllError(Exception):
    """One of them does not count, so none does."""

    def __init__(self, request_id: RequestId, outcome: Refusal | AskAgain):
        self.request_id, self.outcome = request_id, outcome


class OneOutbox(Outbox):
    """An outbox of one transaction, which keeps what was decided until all of it is known."""

    def __init__(
        self, jobs: Jobs, placings: Mapping[str, Placing], handoff: Handoff, sharing: Sharing
    ):
        super().__init__(jobs, placings, handoff, sharing)
        self._over: list[Request] = []

    @override
    def decided(self, unit: Unit, request: Request) -> None:
        self._over.append(request)

    def all_decided(self, unit: Unit) -> None:
        """Show every decision, and wake the session if nothing waits any more."""
        for request in self._over[:-1]:
            self.changed(unit, request)
        if self._over:
            super().decided(unit, self._over[-1])


class Together:
    """Counts the votes of one person on several calls of one checkpoint."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        voting: Voting,
        reasking: Reasking,
        outbox: Callable[[], OneOutbox],
        remarks: Remarks,
    ):
        """`outbox` gives a new one for each transaction."""
        self._store, self._moments, self._voting = store, moments, voting
        self._reasking, self._outbox, self._remarks = reasking, outbox, remarks

    async def vote(
        self, shown: Mapping[RequestId, str], actor: Actor, *, verdict: Verdict, comment: str
    ) -> Sequence[Request]:
        """The requests as they are then, in order; raises as `Approvals.vote_together` says."""
        if not 1 <= len(shown) <= MOST:
            raise InvalidError(f"Decide 1 to {MOST} calls at once.")
        if verdict is Verdict.MODIFY:
            raise InvalidError("Arguments are changed of one call at a time.")

        def work(unit: Unit) -> Sequence[Request]:
            return self._vote(unit, shown, actor, verdict, well_formed(comment))

        try:
            requests = await self._moments.unit(self._store, work)
        except _NotAllError as none:
            raise await self._why(none, actor) from None
        log.info("decided together", requests=len(requests), channel=actor.via)
        return requests

    def _vote(
        self,
        unit: Unit,
        shown: Mapping[RequestId, str],
        actor: Actor,
        verdict: Verdict,
        comment: str,
    ) -> Sequence[Request]:
        first = next(iter(shown))
        request_rows.lock(unit, first)
        request = request_rows.get(unit.connection, first)
        batch = request_rows.checkpoint_with(unit.connection, request)
        if strange := set(shown) - {each.id for each in batch}:
            raise InvalidError(
                f"{', '.join(sorted(strange))} was not proposed together with {first}."
            )
        outbox = self._outbox()
        voting = self._voting.through(outbox)
        after: dict[RequestId, Request] = {}
        for each in batch:
            if each.id not in shown:
                continue
            given: dict[str, Any] = {"request_id": each.id, "verdict": verdict, "comment": comment}
            outcome = voting.cast(unit, VoteInput(**given, digest=shown[each.id]), actor)
            if not isinstance(outcome, Request):
                raise _NotAllError(each.id, outcome)
            after[each.id] = outcome
        outbox.all_decided(unit)
        return [after[each.id] for each in batch if each.id in after]

    async def _why(self, none: _NotAllError, actor: Actor) -> CountersignError:
        """What is told; the refusal of the one that does not count is on the ledger."""
        if isinstance(none.outcome, AskAgain):
            await self._reasking.ask_again(none.outcome)
            return StaleDigestError(
                f"Nothing was counted. {none.outcome.why} It is asked again as it would run today."
            )
        error = none.outcome.error
        if isinstance(error, NotAuthorisedError):
            await self._remarks.refuse(none.request_id, actor, str(error))
        return error
