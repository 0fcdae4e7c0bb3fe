"""Archiving: sessions that are over for long move into a file, and back.

A file is written beside its name and is on the disk before the transaction that takes its sessions
out of the tables and records the file; it gets its name after that. So a process that dies leaves
a file that nothing refers to, which is removed, or one that only lacks its name, which it gets:
the next run begins with both.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog

from countersign.approvals import ids
from countersign.approvals.audit.archives import (
    FORMAT,
    SUFFIX,
    Archive,
    ArchiveFormatError,
    Kept,
    Manifest,
    Writer,
    hash_of,
)
from countersign.approvals.decisions.administering import admin_of, why
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.errors import ConflictError, InvalidError, NotFoundError
from countersign.approvals.models import (
    Actor,
    Archived,
    SessionId,
    SessionsArchived,
    SessionsRestored,
    Value,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import archived, archiving, governance, holds, session_lists
from countersign.approvals.store.revision import HEAD

log = structlog.get_logger(__name__)

PART = ".part"
"""After the name of a file that is not recorded yet, or does not know of it."""
AT_ONCE = 100
"""Sessions that go into one file, by one transaction."""
NAMED = 50
"""Sessions that are named to whoever asks why they were kept."""
LEAST_DAYS = 1


class KeptBack(Value):
    """A session that is old enough, and was not archived."""

    session: SessionId
    why: str


class ArchiveRun(Value):
    """What was archived."""

    file: str | None
    """None if nothing was."""
    sessions: int
    entries: int
    more: bool
    """Whether there may be more to archive."""
    kept: tuple[KeptBack, ...]
    """Some of those that were not archived."""


class Restored(Value):
    """What is in the tables again."""

    file: str
    sessions: int
    entries: int


class Archiving:
    """Archives and restores, in one folder. Admins may."""

    def __init__(self, store: Store, moments: Moments, policies: Policies, folder: Path | None):
        self._store, self._moments, self._policies = store, moments, policies
        self._folder, self._turn = folder, asyncio.Lock()

    async def archive(
        self, older_than_days: int, actor: Actor, *, most: int = AT_ONCE
    ) -> ArchiveRun:
        """Move sessions that have been over for so many days into a new file, at most `most`.

        Raises NotAuthorisedError; InvalidError where there is no folder; NotSealedError without a
        signed checkpoint; ConflictError if a session has moved meanwhile: then nothing has.
        """
        admin = admin_of(self._policies, actor)
        if older_than_days < LEAST_DAYS:
            raise InvalidError(f"Say after how many days: {LEAST_DAYS} at least.")
        async with self._turn:
            with _alone(self._in_order()) as folder:
                await self._finish(folder)
                name = f"{self._moments.now().now:%Y-%m-%d}-{ids.new_id('A')}{SUFFIX}"
                part = folder / (name + PART)
                manifest, kept = await self._write(part, older_than_days, most)
                if not manifest.sessions:
                    await asyncio.to_thread(part.unlink)
                    return ArchiveRun(file=None, sessions=0, entries=0, more=False, kept=kept)
                own = await asyncio.to_thread(hash_of, part)
                entry = SessionsArchived(
                    file=name,
                    sha256=own,
                    sessions=len(manifest.sessions),
                    entries=sum(each.entries for each in manifest.sessions),
                    older_than_days=older_than_days,
                    by=admin.id,
                    via=actor.via,
                    identity=actor.identity,
                )

                def work(unit: Unit) -> None:
                    archiving.move(unit, manifest, name, own)
                    governance.append(unit, entry)

                await self._store.unit(work, self._moments.now())
                await asyncio.to_thread(_name, part)
        log.warning("archived", file=name, sessions=entry.sessions, by=admin.id)
        return ArchiveRun(
            file=name,
            sessions=entry.sessions,
            entries=entry.entries,
            more=entry.sessions == most,
            kept=kept,
        )

    async def restore(
        self, file: str, reason: str, actor: Actor, *, session: str | None = None
    ) -> Restored:
        """Bring the sessions of a file back as they were, or one of them; those that are in the
        tables already stay as they are.

        Raises NotAuthorisedError; InvalidError for no reason, no folder, or what is no archive file
        in it; NotFoundError if the ledger knows nothing of the file; ConflictError or
        IntegrityError: then nothing is restored.
        """
        admin, reason = admin_of(self._policies, actor), why(reason)
        if Path(file).name != file or not file.endswith(SUFFIX):
            raise InvalidError(f"Name a file in the archive's folder; its name ends in {SUFFIX}.")
        async with self._turn:
            with _alone(self._in_order()) as folder:
                await self._finish(folder)
                own = await asyncio.to_thread(hash_of, folder / file)
                rows = await asyncio.to_thread(_read, folder / file, session)

                def work(unit: Unit) -> list[Archived]:
                    if own not in governance.archives(unit.connection):
                        raise NotFoundError(f"{file} is no file that this ledger has archived to.")
                    found = archiving.bring_back(unit, rows, own, session)
                    if found:
                        entry = SessionsRestored(
                            file=file,
                            sha256=own,
                            sessions=len(found),
                            entries=sum(each.entries for each in found),
                            reason=reason,
                            by=admin.id,
                            via=actor.via,
                            identity=actor.identity,
                        )
                        governance.append(unit, entry)
                    return found

                found = await self._store.unit(work, self._moments.now())
        log.warning("restored", file=file, sessions=len(found), by=admin.id)
        entries = sum(each.entries for each in found)
        return Restored(file=file, sessions=len(found), entries=entries)

    def _in_order(self) -> Path:
        if self._folder is None:
            raise InvalidError("There is no folder for archives: set ledger.archive_dir.")
        return self._folder

    async def _write(
        self, part: Path, older_than_days: int, most: int
    ) -> tuple[Manifest, tuple[KeptBack, ...]]:
        """Write a whole file, with the sessions that can go; it is on the disk."""
        now = self._moments.now().now
        before = now - timedelta(days=older_than_days)
        by = await self._store.read(lambda c: archiving.proof(c, before))
        held = await self._store.read(holds.active)
        going: list[Kept] = []
        staying: list[KeptBack] = []
        after: archiving.Place | None = ("", "")
        with Writer(part) as writer:
            while after is not None and len(going) < most:
                found = await self._store.read(
                    lambda c, after=after: archiving.older(c, before, after, limit=AT_ONCE)  # type: ignore[misc]
                )
                for session_id, _ in found[: most - len(going)]:
                    taken = await self._store.read(
                        lambda c, of=session_id: archiving.taken(c, of, held, by, now)  # type: ignore[misc]
                    )
                    if isinstance(taken, str):
                        staying.append(KeptBack(session=session_id, why=taken))
                        continue
                    kept, text = taken
                    await asyncio.to_thread(writer.add, session_id, text)
                    going.append(kept)
                after = found[-1][1] if found else None
            manifest = Manifest(
                format=FORMAT,
                revision=HEAD,
                checkpoint=by.note,
                handovers=by.handovers,
                sessions=tuple(going),
            )
            await asyncio.to_thread(writer.end, manifest)
        await asyncio.to_thread(_to_disk, part)
        return manifest, tuple(staying[:NAMED])

    async def _finish(self, folder: Path) -> None:
        """What a process that has died has left: a file that is recorded gets its name, one with
        nothing that is not in the tables is removed."""
        known = await self._store.read(archived.files)
        for part in await asyncio.to_thread(_parts, folder):
            if known.get(part.name.removesuffix(PART)) == await asyncio.to_thread(hash_of, part):
                await asyncio.to_thread(_name, part)
            elif await self._is_left_over(part):
                await asyncio.to_thread(part.unlink)

    async def _is_left_over(self, part: Path) -> bool:
        """A file that is not whole was never recorded, by whoever it is. One that is whole may be
        of another database, unless all of its sessions are here."""
        try:
            with Archive(part) as archive:
                there = [each.session for each in archive.manifest.sessions]
        except ArchiveFormatError:
            return True
        here = await self._store.read(lambda c: session_lists.among(c, there))
        return len(here) == len(there)


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}{PART}"))


def _read(path: Path, only: str | None) -> dict[str, dict[str, list[dict[str, object]]]]:
    with Archive(path) as archive:
        if archive.manifest.revision > HEAD:
            raise ConflictError(
                f"{path.name} is of a newer version (schema {archive.manifest.revision}); this one "
                f"has {HEAD}."
            )
        return {
            kept.session: archive.rows(kept)
            for kept in archive.manifest.sessions
            if only in (None, kept.session)
        }


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """The folder, in which no other process archives now. Raises ConflictError, or InvalidError if
    it cannot be used."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / ".lock").open("a")
    except OSError as exc:
        raise InvalidError(f"ledger.archive_dir: {folder}: {exc.strerror}.") from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise ConflictError("Another process archives or restores here now.") from exc
        yield folder


def _to_disk(path: Path) -> None:
    for each in (path, path.parent):
        number = os.open(each, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _name(part: Path) -> None:
    """Give a file its name, for good."""
    final = part.with_name(part.name.removesuffix(PART))
    part.chmod(0o400)
    part.rename(final)
    _to_disk(final)
