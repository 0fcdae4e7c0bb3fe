"""Sealing: a job that seals the chains that have grown, every few seconds and at a stop.

Where it is given a key it signs what it has sealed; another process may do that as well.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.notes import Checkpoint, SigningKey, VerifierKey
from countersign.approvals.audit.seals import SEALS, Head
from countersign.approvals.errors import ConflictError, CountersignError
from countersign.approvals.ports import Clock, Moment, Store
from countersign.approvals.store import checkpoints, ledger, tree
from countersign.approvals.store import seals as rows

log = structlog.get_logger(__name__)

SEAL = "seal"
"""Kind of the job; it has no row."""
PAGE = 2000
"""Chains that are taken in with one seal, where the ledger is older than its tree."""


class Sealing:
    """The handler of the job "seal"."""

    def __init__(self, store: Store, clock: Clock, key: SigningKey | None = None):
        """`key` signs each seal of this process; None leaves that to others, or to nobody."""
        self._store, self._clock, self._key = store, clock, key
        self._began = False

    async def seal(self, _: str = "") -> None:
        """Seal what has moved since the last time; the first time also what a process that was
        killed has left. Harmless to repeat: nothing moved, nothing is written."""
        taken = self._store.unsealed.take()
        if self._began and not taken:
            return
        try:
            if not self._began:
                await self._take_in()
            await self._seal(taken)
        except BaseException:  # also if it is cancelled: what was taken is sealed the next time
            self._store.unsealed.add(taken)
            raise
        self._began = True
        await self.sign()

    async def sign(self) -> None:
        """Sign the last seal, unless this ledger is signed with another key: that is logged."""
        key = self._key
        if key is None:
            return
        try:
            await self._store.unit(lambda u: checkpoints.sign(u, key), Moment(self._clock.now()))
        except ConflictError as exc:
            log.error("checkpoint not signed", error=str(exc))

    async def accept(self, note: str, key: VerifierKey) -> Checkpoint:
        """Store a checkpoint that was signed elsewhere. Raises NoteError or ConflictError."""
        now = Moment(self._clock.now())
        return await self._store.unit(lambda u: checkpoints.accept(u, note, key), now)

    async def cover(self, session_id: str) -> None:
        """See to it that all of a session is sealed now, and signed if that is done here."""

        def unit(connection: Connection) -> Head | None:
            head = ledger.head(connection, session_id)
            seal = rows.last(connection)
            found = tree.place(connection, session_id, head[0], 0 if seal is None else seal.size)
            return None if found and found[1] == head else head

        head = await self._store.read(unit)
        if head is not None:
            self._store.unsealed.add({session_id: head})
        await self.seal()
        await self.sign()

    async def leave(self) -> None:
        """Seal what is left as the process stops; what cannot be is found by the next one."""
        try:
            await self.seal()
        except (CountersignError, ValueError) as exc:
            log.warning("the last changes are not sealed", error=str(exc))

    async def _seal(self, taken: dict[str, Head]) -> None:
        now = self._clock.now()

        def unit(connection: Connection) -> None:
            before = rows.last(connection)
            heads: dict[str, Head] = {} if self._began else rows.left(connection, before)
            heads.update(taken)
            if heads:
                rows.add(connection, before, heads, now)

        await self._store.write(unit)

    async def _take_in(self) -> None:
        """Let the tree begin with every chain, and the seals, of before there was one."""
        if not await self._store.read(rows.is_older_than_its_tree):
            return
        after: str | None = ""
        while after is not None:
            after = await self._store.write(self._taking(after))

    def _taking(self, after: str) -> Callable[[Connection], str | None]:
        now = self._clock.now()

        def unit(connection: Connection) -> str | None:
            before = rows.last(connection)
            heads = rows.heads_after(connection, after, limit=PAGE)
            last = max(heads, default=None)
            if last is None:
                heads = {SEALS: rows.older_end(connection)}
            rows.add(connection, before, heads, now)
            return last

        return unit
