"""Whether this server can do its work now; `/readyz` tells it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from countersign.approvals.errors import UnavailableError
from countersign.approvals.jobs import LocalJobs
from countersign.approvals.outages import Outages
from countersign.approvals.ports import Clock, Store
from countersign.approvals.store.revision import HEAD, KNOWN, current_revision_in
from countersign.approvals.store.schema import conversations
from countersign.approvals.tickets import CheckResult
from countersign.connectors.system import Opened

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
    """What was seen last of the systems that are open; asking them is for `countersign doctor`."""

    def __init__(self, store: Store, opened: Mapping[str, Opened]):
        self._store, self._opened = store, opened

    async def checks(self) -> dict[str, str]:
        """Each system of which there is something to say: `ok`, or what is wrong; the cause is for
        the log."""
        seen = {name: await each.seen(self._store) for name, each in self._opened.items()}
        return {name: _summed_up(results) for name, results in seen.items() if results}


def together(
    *checks: Callable[[], Awaitable[dict[str, str]]],
) -> Callable[[], Awaitable[dict[str, str]]]:
    """What all of them say."""

    async def said() -> dict[str, str]:
        return {name: text for check in checks for name, text in (await check()).items()}

    return said


def _summed_up(results: Sequence[CheckResult]) -> str:
    return "; ".join(result.said for result in results if not result.ok) or "ok"


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
