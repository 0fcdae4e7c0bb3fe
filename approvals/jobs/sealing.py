"""Sealing: a job that seals the chains that have grown, every few seconds and at a stop."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.seals import Head
from countersign.approvals.errors import CountersignError
from countersign.approvals.ports import Clock, Store
from countersign.approvals.store import seals as rows

log = structlog.get_logger(__name__)

SEAL = "seal"
"""Kind of the job; it has no row."""


class Sealing:
    """The handler of the job "seal"."""

    def __init__(self, store: Store, clock: Clock):
        self._store, self._clock = store, clock
        self._began = False

    async def seal(self, _: str = "") -> None:
        """Seal what has moved since the last time; the first time also what a process that was
        killed has left. Harmless to repeat: nothing moved, nothing is written."""
        taken = self._store.unsealed.take()
        if self._began and not taken:
            return
        now = self._clock.now()

        def unit(connection: Connection) -> None:
            before = rows.last(connection)
            heads: dict[str, Head] = {} if self._began else rows.left(connection, before)
            heads.update(taken)
            if heads:
                rows.add(connection, before, heads, now)

        try:
            await self._store.write(unit)
        except BaseException:  # also if it is cancelled: what was taken is sealed the next time
            self._store.unsealed.add(taken)
            raise
        self._began = True

    async def leave(self) -> None:
        """Seal what is left as the process stops; what cannot be is found by the next one."""
        try:
            await self.seal()
        except (CountersignError, ValueError) as exc:
            log.warning("the last changes are not sealed", error=str(exc))
