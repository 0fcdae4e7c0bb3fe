"""The audit trail, for those who audit it: receipts, checkpoints, and verification from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from countersign.approvals.audit.archives import Archive
from countersign.approvals.audit.fields import redacted
from countersign.approvals.audit.ledger import Verification, combine
from countersign.approvals.audit.notes import Checkpoint, VerifierKey, opened_unchecked
from countersign.approvals.audit.private import Privacy, PrivateRule
from countersign.approvals.decisions.archiving import Archiving
from countersign.approvals.decisions.erasing import Erased, Erasing
from countersign.approvals.decisions.holding import Holding
from countersign.approvals.errors import ConflictError, IntegrityError, NotFoundError, RefusedError
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import (
    Actor,
    Hold,
    JsonObject,
    LedgerEntry,
    Principal,
    SealingKeyChanged,
    SessionId,
)
from countersign.approvals.ports import Reader
from countersign.approvals.records import Records
from countersign.approvals.store import (
    archive_checks,
    archived,
    checkpoints,
    exporting,
    forwarding,
    holds,
    receipts,
    seals,
)
from countersign.approvals.store.replaying import Replay, replay
from countersign.approvals.store.tree import StoredTree
from countersign.approvals.store.verifying import verify_all

PAGE = 500
"""Entries that are in memory at once."""


class AuditTrail:
    """Reads for auditors; each is one read-only transaction, but for `verify`."""

    def __init__(
        self,
        reader: Reader,
        records: Records,
        sealing: Sealing | None = None,
        *,
        signer: VerifierKey | None = None,
        private: Sequence[PrivateRule] = (),
        erasing: Erasing | None = None,
        holding: Holding | None = None,
        archiving: Archiving | None = None,
    ):
        """`sealing` is of the server that this is: it seals what a receipt needs, and stores what
        `signer` has signed elsewhere. What `private` covers is in no receipt and no export."""
        self._private, self._erasing = private, erasing
        self._holding, self._archiving = holding, archiving
        self._reader, self._records, self._sealing = reader, records, sealing
        self._signer = signer

    async def receipt(self, request_id: str, reader: Principal | None = None) -> JsonObject:
        """The receipt of a request; with `reader` only what this person may read.

        Raises NotFoundError, NotSealedError or IntegrityError.
        """
        if reader is not None:
            await self._records.require_seen(reader, request_id)
        if self._sealing is not None:
            await self._sealing.cover((await self._records.request(request_id)).session_id)
        made = await self._reader.read(lambda c: receipts.receipt(c, request_id, self._private))
        if reader is not None and receipts.shows_other_requests(made):
            await self._records.require_session_seen(reader, made["summary"]["session"])
        return made

    async def checkpoint(self) -> tuple[int, str]:
        """Size and note of the newest signed checkpoint. Raises NotFoundError if there is none."""
        note = await self._reader.read(checkpoints.newest)
        if note is None:
            raise NotFoundError(
                "No checkpoint of the ledger is signed yet. Servers sign every few seconds what "
                "has changed, where `ledger` in the configuration names a key."
            )
        return Checkpoint.parse(opened_unchecked(note)).size, note

    async def entries(self, wanted: exporting.Wanted) -> AsyncIterator[LedgerEntry]:
        """Entries by session and number, a page of them in memory. Raises IntegrityError for one
        that is not as we wrote it."""
        after: tuple[str, int] | None = ("", 0)
        of, privacy = "", Privacy(())
        while after is not None:
            found = await self._reader.read(self._page(wanted, after))
            for entry in found:
                if entry.session_id != of:
                    of, privacy = entry.session_id, Privacy(self._private)
                yield redacted(entry, privacy.rules_of(entry))
            after = (found[-1].session_id, found[-1].seq) if len(found) == PAGE else None

    @staticmethod
    def _page(
        wanted: exporting.Wanted, after: tuple[str, int]
    ) -> Callable[[Connection], list[LedgerEntry]]:
        def unit(connection: Connection) -> list[LedgerEntry]:
            try:
                return exporting.page(connection, wanted, after, limit=PAGE)
            except ValueError as exc:
                raise IntegrityError(f"The ledger was changed and cannot be read: {exc}") from exc

        return unit

    async def sealed_since(self, leaves: int, *, limit: int) -> tuple[list[LedgerEntry], int]:
        """The entries that the next `limit` leaves of the tree took in, and how many leaves are
        done with then. Raises IntegrityError for an entry that is not as we wrote it."""
        try:
            return await self._reader.read(lambda c: forwarding.page(c, leaves, limit=limit))
        except ValueError as exc:
            raise IntegrityError(f"The ledger was changed and cannot be read: {exc}") from exc

    async def erase(self, session_id: str, rule: str, reason: str, actor: Actor) -> Erased:
        """See `Erasing.erase`. Raises RefusedError where this is no server."""
        if self._erasing is None:
            raise RefusedError("Only a server erases; ask the running one.")
        return await self._erasing.erase(session_id, rule, reason, actor)

    @property
    def holding(self) -> Holding:
        """Legal holds. Raises RefusedError where this is no server."""
        if self._holding is None:
            raise RefusedError("Only a server puts things on hold; ask the running one.")
        return self._holding

    @property
    def archiving(self) -> Archiving:
        """What moves sessions into files. Raises RefusedError where this is no server."""
        if self._archiving is None:
            raise RefusedError("Only a server archives and restores; ask the running one.")
        return self._archiving

    async def holds(self, *, limit: int, lifted: bool = False) -> Sequence[Hold]:
        """The legal holds, oldest first; with `lifted` the newest `limit` that there ever were."""
        if lifted:
            return await self._reader.read(lambda c: holds.page(c, limit=limit))
        return await self._reader.read(holds.active)

    async def archived(self) -> Sequence[str]:
        """A sentence for each file in which sessions are archived."""
        return await self._reader.read(archived.said)

    async def bundle(
        self, wanted: exporting.Wanted, *, bodies: bool = True, most: int | None = None
    ) -> JsonObject:
        """Whole chains, each proven by the newest signed checkpoint. Raises NotSealedError, and
        InvalidError for more sessions than `most`."""
        return await self._reader.read(
            lambda c: exporting.bundle(c, wanted, bodies=bodies, private=self._private, most=most)
        )

    async def replay(self, session_id: str) -> tuple[Replay, Verification]:
        """A session rebuilt from its entries alone, and what checking it finds. Raises
        NotFoundError, or IntegrityError for an entry that cannot be read."""
        found = await self._records.verify(SessionId(session_id))
        entries = [entry async for entry in self.entries(exporting.Wanted(session=session_id))]
        return replay(entries), found

    async def tree(self, since: int) -> tuple[int, bytes, list[bytes]]:
        """Size and root of the tree, and the proof that it begins with that of size `since`; none
        of 0. Raises NotFoundError if nothing is sealed, ConflictError if it never had this size."""

        def unit(connection: Connection) -> tuple[int, bytes, list[bytes]]:
            seal = seals.last(connection)
            if seal is None or not seal.size:
                raise NotFoundError("Nothing of the ledger is sealed yet.")
            if seal.size < since:
                raise ConflictError(f"The tree has only the size {seal.size}, not {since}.")
            path = StoredTree(connection).consistency(since, seal.size)
            return seal.size, bytes.fromhex(seal.root), path

        return await self._reader.read(unit)

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of size `new` begins with that of size `old`, which may be 0."""
        if not old:
            return []
        return await self._reader.read(lambda c: StoredTree(c).consistency(old, new))

    async def notarised(self) -> str | None:
        """The newest checkpoint to which witnesses or authorities have added a line."""
        return await self._reader.read(checkpoints.newest_notarised)

    async def accept(self, note: str) -> Checkpoint:
        """Keep a checkpoint that was signed elsewhere. Raises RefusedError where that is not how
        this ledger is signed; NoteError, ConflictError."""
        key, sealing = self._signer, self._sealing
        if key is None or sealing is None:
            raise RefusedError("The configuration names no public key of a sealer: ledger.signer.")
        return await sealing.accept(note, key)

    async def keys(self) -> list[str]:
        """The public keys that have signed, oldest first."""

        def unit(connection: Connection) -> list[SealingKeyChanged]:
            return checkpoints.keys(connection)

        return [each.after for each in await self._reader.read(unit)]

    async def handovers(self) -> list[str]:
        """The notes with which keys gave way to others, oldest first."""
        changes = await self._reader.read(checkpoints.keys)
        return [each.handover for each in changes if each.handover]

    async def verify(
        self,
        session_id: SessionId | None = None,
        *,
        outside: Sequence[Checkpoint] = (),
        archives: Sequence[Archive] = (),
        tell: Callable[[int], None] = lambda _: None,
    ) -> Verification:
        """Check one session, or all there is; `outside` are checkpoints that somebody has
        kept elsewhere, `archives` the files of what was archived. `tell` hears how many entries
        have been checked. Raises NotFoundError."""
        if session_id is not None:
            found = await self._verified(session_id, archives)
        else:
            found = await verify_all(self._reader, tell)
            for file in archives:
                checked = await self._reader.read(partial(archive_checks.against, archive=file))
                found = combine([found, checked])
        wrong: list[str] = []
        for each in outside:
            wrong += await self._reader.read(partial(checkpoints.against, checkpoint=each))
        return combine([found, Verification(entries=0, problems=tuple(wrong))])

    async def _verified(self, session_id: SessionId, archives: Sequence[Archive]) -> Verification:
        for file in archives:
            if any(each.session == session_id for each in file.manifest.sessions):
                return await self._reader.read(
                    partial(archive_checks.against, archive=file, only=session_id)
                )
        return await self._records.verify(session_id)
