"""Leasing: one process at a time runs a session, and what it leaves open when it is gone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import structlog

from countersign.approvals.decisions.handoff import Handoff, Run
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outcomes import Outcomes
from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import Request, SessionId
from countersign.approvals.ports import Store, Unit
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)


class Leasing:
    """Takes, keeps and gives back, as `Runs` says of the method of each name."""

    def __init__(self, store: Store, moments: Moments, outcomes: Outcomes, handoff: Handoff):
        self._store, self._moments = store, moments
        self._outcomes, self._handoff = outcomes, handoff

    async def begin(self, session_id: SessionId) -> Run | None:
        """Lease the session; None if there is nothing to do for us."""
        moment = self._moments.now()
        if (run := self._handoff.hand_over(session_id, moment.now)) is not None:
            return run
        return await self._store.unit(lambda unit: self._begin(unit, session_id), moment)

    def _begin(self, unit: Unit, session_id: SessionId) -> Run | None:
        taken = lease_rows.take_lease(
            unit.connection,
            session_id,
            owner=self._handoff.owner,
            now=unit.now,
            lease_s=self._handoff.lease_s,
        )
        if taken is None:
            return None
        session, epoch, chat = taken
        batch: Sequence[Request] = ()
        if session.checkpoint_id is not None:
            batch = request_rows.of_checkpoint(unit.connection, session_id, session.checkpoint_id)
        doubted = tuple(self._outcomes.doubt(unit, session, request) for request in batch)
        return Run(session=session, epoch=epoch, chat=chat, batch=doubted)

    async def renew(self, runs: Sequence[Run]) -> frozenset[SessionId]:
        """Keep the leases; returns the ids of those that are lost."""
        now = self._moments.now().now
        return await self._store.write(
            lambda c: frozenset(
                run.session.id
                for run in runs
                if not lease_rows.renew_lease(
                    c, run.session.id, run.epoch, now=now, lease_s=self._handoff.lease_s
                )
            )
        )

    async def release(self, run: Run) -> bool:
        """Give the lease back; False if there was nothing to give back."""
        now = self._moments.now().now
        return await self._store.write(
            lambda c: lease_rows.release_lease(c, run.session.id, run.epoch, now=now)
        )

    async def leave(self) -> None:
        """Take over no more sessions; give back those that were taken and not begun."""
        for run in self._handoff.close():
            with suppress(UnavailableError):  # then they are due when their leases end
                await self.release(run)

    async def doubt(self, request_id: str) -> None:
        """Nobody will say any more what became of a request whose session has ended."""

        def work(unit: Unit) -> bool:
            request_rows.lock(unit, request_id)
            request = request_rows.get(unit.connection, request_id)
            session = session_rows.get(unit.connection, request.session_id)
            if session.status in session_rows.LIVE:
                return False
            after = self._outcomes.doubt(unit, session, request, even_idempotent=True)
            return after is not request

        if await self._store.unit(work, self._moments.now()):
            log.warning("request in doubt", request_id=request_id)
