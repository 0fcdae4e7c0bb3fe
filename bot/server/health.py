"""Whether this server can do its work now; `/readyz` tells it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from countersign.approvals.errors import UnavailableError
from countersign.approvals.jobs import LocalJobs
from countersign.approvals.outages import Outages
from countersign.approvals.ports import Clock, Store
from countersign.approvals.store.conversations import blocked
from countersign.approvals.store.revision import HEAD, KNOWN, current_revision_in
from countersign.approvals.store.schema import conversations
from countersign.approvals.store.tickets import poll_state

log = structlog.get_logger(__name__)

SWEEP_MAX_AGE = timedelta(seconds=30)
"""The jobs sweep every two seconds; after this long they are stuck."""
REUSE_S = 1.0
"""Anybody may ask, and each answer costs a synchronised write."""
CHECK_TIMEOUT_S = 5.0
_PROBE = "readyz-probe"


class Health:
    """Checks the store by reading and writing it, and the jobs by their last sweep."""

    def __init__(self, store: Store, jobs: LocalJobs, clock: Clock):
        self._store, self._jobs, self._clock = store, jobs, clock
        self._task: asyncio.Task[None] | None = None
        self._known: tuple[float, dict[str, str]] | None = None
        self._lock = asyncio.Lock()
        self._stopping = self._held = False
        self._outages = Outages("store", key="cannot_be")

    def watch(self, task: asyncio.Task[None]) -> None:
        """Mind the task that runs the jobs."""
        self._task = task
        task.add_done_callback(_say_if_it_died)

    def hold(self) -> None:
        """Say that the jobs are not meant to run here."""
        self._held = True

    def stop(self) -> None:
        """Say from now on that the server is stopping: nobody shall send it anything more."""
        self._stopping = True

    async def checks(self) -> dict[str, str]:
        """Each check by name: `ok`, or what is wrong. Of the store at most a second old."""
        if self._stopping:
            return {"server": "stopping"}
        async with self._lock:
            now = time.monotonic()
            if self._known is None or now - self._known[0] >= REUSE_S:
                self._known = (now, await self._check_store())
            # Looking at the jobs costs nothing, and at the start they are ready any moment.
            return {**self._known[1], "jobs": self._jobs_alive()}

    async def _check_store(self) -> dict[str, str]:
        (readable, schema), writable = await asyncio.gather(self._read(), self._write())
        return {
            "store_readable": readable,
            "store_writable": writable,
            "schema": schema,
        }

    async def _read(self) -> tuple[str, str]:
        """Whether the store can be read, and whether its schema is one that we can work on."""
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                revision = await self._store.read(current_revision_in)
        except (UnavailableError, TimeoutError) as exc:
            return self._failed("read", exc), "not read"
        self._outages.up("read")
        return "ok", _schema(revision)

    async def _write(self) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self._store.write(_write_and_remove)
        except (UnavailableError, TimeoutError) as exc:
            return self._failed("written", exc)
        self._outages.up("written")
        return "ok"

    def _failed(self, what: str, error: Exception) -> str:
        """What everybody may read; the path and the cause are for the log, which says them once."""
        self._outages.down(what, str(error) or "timed out")
        return f"cannot be {what}; the server's log says why"

    def _jobs_alive(self) -> str:
        if self._held:
            return "on hold: nothing is run or sent; start the server without --hold"
        if self._task is None:
            return "not started"
        if self._task.done():
            return "stopped; restart the server, its log says why"
        swept_at = self._jobs.swept_at
        if swept_at is None:
            return "starting"
        age = self._clock.now() - swept_at
        if age > SWEEP_MAX_AGE:
            return f"stuck: the last sweep was {age} ago"
        return self._jobs.trouble() or "ok"


class Systems:
    """Whether the ticket systems can be read, by their last poll, and who cannot be reached."""

    def __init__(self, store: Store, names: Iterable[str]):
        self._store, self._names = store, tuple(names)

    async def checks(self) -> dict[str, str]:
        """Each ticket system by name: `ok`, or since when and how often it could not be read; and a
        channel in which conversations are closed to us. The cause is for the log and for
        `countersign doctor`."""
        return await self._store.read(
            lambda c: {**{name: _polled(c, name) for name in self._names}, **_closed(c)}
        )


def _closed(connection: Connection) -> dict[str, str]:
    counted = Counter(each.channel for each in blocked(connection))
    return {
        channel: f"closed to the bot: {count} conversation{'s' if count > 1 else ''}"
        for channel, count in counted.items()
    }


def _polled(connection: Connection, name: str) -> str:
    state = poll_state(connection, name)
    if state is None or (state.polled_at is None and not state.failures):
        return "not read yet"
    if not state.failures:
        return "ok"
    since = "never" if state.polled_at is None else f"{state.polled_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"unreachable: {state.failures} polls failed, last read {since}"


def _write_and_remove(connection: Connection) -> None:
    """A row that is gone when the transaction ends, but had to be written to the disk."""
    connection.execute(
        conversations.insert().values(
            {c.name: _PROBE for c in conversations.c if not c.nullable and c.server_default is None}
        )
    )
    connection.execute(conversations.delete().where(conversations.c.key == _PROBE))


def _schema(revision: str | None) -> str:
    """Whether this version works on it. A schema of a newer version is fine: while replicas are
    replaced one by one, those that are left go on (docs/operations.md, "Upgrade")."""
    if revision == HEAD:
        return "ok"
    if revision is None or revision in KNOWN:
        needed = f"this version needs {HEAD}; run `countersign db upgrade`"
        return f"the database has schema {revision or 'none'}, {needed}"
    return "ok"


def _say_if_it_died(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("jobs stopped", exc_info=task.exception())
