"""Syncing: a job that reads directories, and takes over what it has read once all of it is there.

A reading that fails changes nothing. One that would remove too many people at once is held until
somebody says that it is meant so: a directory that answers half, or an administrator's slip, must
not lock everybody out, and nobody is let in by it either.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from countersign.approvals.backoff import UNFORESEEN, backoff_s
from countersign.approvals.decisions.validity import WAITS_FOR_PEOPLE
from countersign.approvals.errors import (
    CountersignError,
    CursorLostError,
    LostLeaseError,
    UnavailableError,
)
from countersign.approvals.models import Value
from countersign.approvals.ports import Clock, DirectorySource, Store
from countersign.approvals.store import directories as rows
from countersign.approvals.store import directory_changes, directory_losses
from countersign.approvals.store.directories import Begun
from countersign.approvals.store.directory_changes import Place, Step
from countersign.approvals.store.directory_losses import Loss

log = structlog.get_logger(__name__)

SYNC = "sync"
"""Kind of the job; its id is the name of a directory, or empty: then those that are due."""
FEW = 3
"""So many may always go at once."""
BACKOFF_BASE_S = 10.0


class SyncPlan(Value):
    """How often directories are read, and when what they say is not believed."""

    every: timedelta
    whole_every: timedelta = timedelta(days=1)
    """How often all of it is read, also where only changes could be asked for."""
    most_gone: float
    """The share of the accounts, or memberships, that one reading may remove."""


class Syncing:
    """The handler of the job "sync"."""

    def __init__(
        self,
        sources: Sequence[DirectorySource],
        store: Store,
        clock: Clock,
        plan: SyncPlan,
        *,
        changed: Callable[[], Awaitable[None]],
    ):
        """`changed` is awaited after each reading that has changed who people are."""
        self._sources = {source.name: source for source in sources}
        self._store, self._clock, self._plan = store, clock, plan
        self._changed = changed
        self._settings: str | None = None
        self._reading: set[DirectorySource] = set()

    async def replace(
        self, sources: Sequence[DirectorySource], plan: SyncPlan, settings: str
    ) -> None:
        """Read these from now on. Those before are let go of, each once its reading has ended."""
        before = set(self._sources.values()) - self._reading
        self._sources, self._plan = {source.name: source for source in sources}, plan
        for source in before:
            await source.close()
        await self.know(settings)

    async def close(self) -> None:
        """Let go of all of them, and read none any more."""
        mine = {*self._sources.values(), *self._reading}
        self._sources = {}
        for source in mine:
            await source.close()

    async def know(self, settings: str) -> None:
        """Have rows for the directories; `settings` stands for what is read of them."""
        self._settings = settings
        now = self._clock.now()

        def unit(connection: Connection) -> None:
            for name in self._sources:
                rows.know(connection, name, settings, now)

        await self._store.write(unit)

    async def run(self, name: str = "") -> None:
        """Read the directories that are due, or this one if it is. Raises UnavailableError if the
        store cannot be written; of a directory that cannot be read, its row says why."""
        now = self._clock.now()
        found = await self._store.read(lambda c: rows.due(c, now))
        for each in found:
            if each in self._sources and name in ("", each):
                await self._read_of(self._sources[each])

    async def _read_of(self, source: DirectorySource) -> None:
        self._reading.add(source)
        try:
            await self._read(source)
        finally:
            self._reading.discard(source)
            if self._sources.get(source.name) is not source:  # others took its place meanwhile
                await source.close()

    async def _read(self, source: DirectorySource) -> None:
        now = self._clock.now()
        begin = partial(
            rows.begin,
            name=source.name,
            now=now,
            whole_every=self._plan.whole_every,
            settings=self._settings,
            patience=self._plan.every,
        )
        begun = await self._store.write(begin)
        if begun is None:
            return
        try:
            cursor = await self._stage(source, begun)
            await self._end(source, begun, cursor)
        except LostLeaseError as exc:
            log.info("reading of a directory given up", directory=source.name, reason=str(exc))
        except CursorLostError as exc:
            log.info("directory is read anew", directory=source.name, reason=str(exc))
            await self._fail(begun, str(exc), 0.0, anew=True)
        except Exception as exc:  # vendors answer anything; the next reading may work
            said = str(exc) if isinstance(exc, CountersignError) else UNFORESEEN
            unknown = not isinstance(exc, CountersignError)
            log.warning("directory not read", directory=source.name, error=said, exc_info=unknown)
            asked_s = exc.retry_after_s if isinstance(exc, UnavailableError) else None
            every_s = self._plan.every.total_seconds()
            wait_s = backoff_s(begun.attempts, BACKOFF_BASE_S, every_s, asked_s)
            await self._fail(begun, said, wait_s)

    async def _fail(self, begun: Begun, error: str, wait_s: float, *, anew: bool = False) -> None:
        at = self._clock.now() + timedelta(seconds=wait_s)
        try:
            await self._store.write(lambda c: rows.fail(c, begun, error, at, anew=anew))
        except LostLeaseError:
            log.info("a later reading has begun", directory=begun.source)

    async def _stage(self, source: DirectorySource, begun: Begun) -> str | None:
        """Keep what the directory says; returns from where it can be asked for changes."""
        cursor = None
        async for page in source.read(begun.cursor):
            stage = partial(rows.stage, begun=begun, page=page, now=self._clock.now())
            await self._store.write(stage)
            cursor = page.cursor or cursor
        return cursor

    async def _end(self, source: DirectorySource, begun: Begun, cursor: str | None) -> None:
        next_at = begun.began_at + self._plan.every
        loss = await self._store.read(lambda c: directory_losses.loss(c, begun))
        why = "" if begun.go_on else self._too_much(source, loss)
        if why:
            log.error("directory held", directory=source.name, why=why)
            await self._store.write(lambda c: rows.hold(c, begun, why, next_at))
            return
        changed = 0
        for step in directory_changes.steps(begun, lists_everybody=source.lists_everybody):
            changed += await self._each(begun, step)
        now = self._clock.now()

        def finish(connection: Connection) -> None:
            rows.finish(connection, begun, cursor, next_at)
            rows.wake(connection, WAITS_FOR_PEOPLE, now)

        await self._store.write(finish)
        log.info(
            "directory read", directory=source.name, changed=changed, whole=begun.cursor is None
        )
        await self._changed()
        await self._forget(begun)

    async def _each(self, begun: Begun, step: Step) -> int:
        """Do a step, by as many transactions as it takes; how much has changed."""
        changed, place = 0, ("", "")
        while True:
            work = partial(_in_turn, begun=begun, step=step, place=place, now=self._clock.now())
            after, count = await self._store.write(work)
            changed += count
            if after is None:
                return changed
            place = after

    async def _forget(self, begun: Begun) -> None:
        """Remove what was staged; the reading has ended, so nothing is held on to."""
        work = partial(directory_changes.forget, begun=begun)
        while await self._store.write(work):
            pass

    def _too_much(self, source: DirectorySource, loss: Loss) -> str:
        for what, gone, before in (
            ("people", loss.accounts, loss.accounts_before),
            ("memberships", loss.memberships, loss.memberships_before),
        ):
            if gone > FEW and gone > self._plan.most_gone * before:
                return (
                    f"This reading of {source.words} would remove {gone:,} of {before:,} {what}. "
                    f"Nothing was changed. If that is right: `countersign people sync "
                    f"{source.name} --go-on`."
                )
        return ""


def _in_turn(
    connection: Connection, begun: Begun, step: Step, place: Place, now: datetime
) -> tuple[Place | None, int]:
    rows.keep(connection, begun, now)
    return step(connection, begun, place)
