"""Submissions: what a run stores: calls that are proposed, with the chat's state, or that alone."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.agents.leases import Lease
from countersign.approvals.models import ChatState, Proposal, Request, RequestStatus
from countersign.approvals.observer import Observer
from countersign.approvals.runs import Runs


class Submissions:
    """Those of one run of a session. Raises LostLeaseError where it is over."""

    def __init__(self, runs: Runs, lease: Lease, observer: Observer):
        self._runs, self._lease, self._observer = runs, lease, observer

    async def submit(
        self,
        proposals: Sequence[Proposal],
        state: ChatState,
        progress: Sequence[str],
        *,
        first: bool,
    ) -> tuple[Request, ...]:
        """The requests of these calls, stored with `state`. `first`: there were none before."""
        self._lease.require()
        run = self._lease.run
        with self._observer.span("submit", session_id=run.session.id):
            batch = await self._runs.submit(
                run, self._traced(proposals), state=state, progress=progress, first=first
            )
        self._observer.proposed(batch)
        return batch

    async def store(self, state: ChatState, progress: Sequence[str]) -> None:
        """Store the state where nothing is proposed with it."""
        self._lease.require()
        await self._runs.submit(self._lease.run, (), state=state, progress=progress)

    async def waits(self, proposals: Sequence[Proposal]) -> bool:
        """Whether people would be asked if these were proposed together now."""
        self._lease.require()
        foreseen = await self._runs.foresee(self._lease.run, proposals, granted=True)
        return any(each.status is RequestStatus.PENDING for each in foreseen)

    def _traced(self, proposals: Sequence[Proposal]) -> Sequence[Proposal]:
        """The proposals, each with the span that what follows belongs under, if there is one."""
        span = self._observer.traceparent()
        if span is None:
            return proposals
        return [p.model_copy(update={"traceparent": span}) for p in proposals]
