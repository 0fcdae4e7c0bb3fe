"""Keeps the leases of all live runs with one background task, and says when one is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from approvals.errors import LostLeaseError, UnavailableError
from approvals.runs import Run, Runs

log = structlog.get_logger(__name__)


@dataclass
class Lease:
    """This process's hold on one session."""

    run: Run
    lost: bool = False

    def require(self) -> None:
        """Return if, as far as this process knows, the lease is still held.

        The store checks again at every write; this stops a run that has nothing to write yet.
        """
        if self.lost:
            raise LostLeaseError(f"Session {self.run.session.id} is run by another process now.")


class LeaseKeeper:
    """Renews while any run is live. Without runs there is no task."""

    def __init__(self, runs: Runs, *, every_s: float):
        self._runs = runs
        self._every_s = every_s
        self._held: dict[int, Lease] = {}
        self._task: asyncio.Task[None] | None = None
        self._reachable = True

    @contextmanager
    def hold(self, run: Run) -> Iterator[Lease]:
        """Keep the lease of `run` until the block ends."""
        lease = Lease(run)
        self._held[id(lease)] = lease
        if self._task is None:
            self._task = asyncio.create_task(self._renew_forever(), name="lease renewal")
        try:
            yield lease
        finally:
            del self._held[id(lease)]
            if not self._held and self._task is not None:
                self._task.cancel()
                self._task = None

    async def renew_now(self) -> None:
        """Renew every held lease once, in one transaction."""
        held = list(self._held.values())
        try:
            lost = await self._runs.renew([lease.run for lease in held])
        except UnavailableError:
            if self._reachable:
                log.warning("leases cannot be renewed", sessions=len(held))
            self._reachable = False
            return
        if not self._reachable:
            log.info("leases can be renewed again", sessions=len(held))
        self._reachable = True
        for lease in held:
            if lease.run.session.id in lost and id(lease) in self._held:
                lease.lost = True
                log.warning("lease lost", session_id=lease.run.session.id)

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            await self.renew_now()
