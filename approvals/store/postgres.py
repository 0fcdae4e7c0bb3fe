"""PostgreSQL as the store of several processes: the same units, each in a transaction of its own.

A unit runs in a thread of its own connection, so it is one hop from the event loop whatever it
asks. There are as many threads as connections; who finds none free waits in turn, and not for ever.

A unit may be run again from its start when it met another one (deadlock, serialization) or lost
its connection before the commit: it does SQL only, so that is harmless. What is lost during the
commit may have been kept; callers have idempotency keys for that, as with SQLite.

A process that is frozen in a transaction holds its locks until the database ends its session
(`idle_in_transaction_session_timeout`);
whoever waits for them waits longer than that (`lock_timeout`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import structlog
from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from typing_extensions import override

from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.backoff import backoff_s
from countersign.approvals.errors import InvalidError, StoreUnavailableError, UnavailableError
from countersign.approvals.ports import Moment, Store, Unit
from countersign.approvals.store import ledger
from countersign.approvals.store.after_commit import ring
from countersign.approvals.store.error_redaction import keep_terse
from countersign.approvals.store.urls import parse, shown

T = TypeVar("T")
log = structlog.get_logger(__name__)

POOL_SIZE = 16
"""Connections of one process, and threads that use them. On two cores 8 to 16 gave the highest rate
(ADR 0014)."""
POOL_TIMEOUT_S = 30.0
ATTEMPTS = 10
"""How often a unit that meets another one is run before its caller is told to come again."""
RETRY_BASE_S, RETRY_MAX_S = 0.005, 0.25
SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "20s",
    "statement_timeout": "60s",
    "timezone": "UTC",
}
"""Of each of our sessions in the database; `options` in the URL comes after them and wins."""
CONNECT_SETTINGS = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "countersign",
}
"""Of libpq: https://www.postgresql.org/docs/current/libpq-connect.html (read 2026-11-25)."""
_MET_ANOTHER = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_SLEPT = psycopg.errors.IdleInTransactionSessionTimeout
"""Also instead of an answer to COMMIT: the database had ended the transaction before it came."""


def connect_arguments(parsed: URL) -> dict[str, Any]:
    """How to connect, where the URL does not say otherwise."""
    options = " ".join(f"-c {name}={value}" for name, value in SERVER_SETTINGS.items())
    given = parsed.query.get("options", "")
    return {
        **{name: value for name, value in CONNECT_SETTINGS.items() if name not in parsed.query},
        "options": f"{options} {given if isinstance(given, str) else ' '.join(given)}".strip(),
    }


def sync_engine(url: str) -> Engine:
    """For migrations and other work apart from the server; connects anew each time."""
    parsed = parse(url)
    arguments = {**connect_arguments(parsed), "options": ""}
    engine = create_engine(parsed, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    keep_terse(engine)
    return engine


class PostgresStore(Store):
    """Implements `approvals.ports.Store` on one database, together with others that do so."""

    def __init__(self, url: str, *, pool_size: int = POOL_SIZE, read_only: bool = False):
        self._shown, self._read_only = shown(url), read_only
        parsed = parse(url)
        self._engine = create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=0,
            pool_use_lifo=True,
            hide_parameters=True,
            connect_args=connect_arguments(parsed),
        )
        keep_terse(self._engine)
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="postgresql")
        self._free = asyncio.Semaphore(pool_size)
        self._home: asyncio.AbstractEventLoop | None = None
        self._units: set[asyncio.Task[Any]] = set()
        self.unsealed = Unsealed()
        self._closed = False

    def open(self) -> None:
        """Belong to the running loop. Call once, in the loop that will close it."""
        self._home = asyncio.get_running_loop()

    async def close(self) -> None:
        """Finish what is under way, then let the connections go."""
        self._closed = True
        while self._units:
            await asyncio.wait(set(self._units))
        # They have nothing to do, but for units whose tasks were cancelled with the loop. Not in a
        # thread: the loop may have none any more when a server stops.
        self._threads.shutdown()
        self._engine.dispose()

    @override
    async def unit(self, work: Callable[[Unit], T], moment: Moment) -> T:
        if self._read_only:
            raise UnavailableError(f"{self._shown} was opened for reading only.")
        return await self._shielded(lambda: self._unit(work, moment))

    @override
    async def read(self, unit: Callable[[Connection], T]) -> T:
        return await self._shielded(lambda: self._read(unit))

    async def _shielded(self, run: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run it in a task of its own in our loop: cancelling the caller does not undo the unit,
        and never leaves a connection in the middle of something."""
        if self._closed or self._home is None:
            raise UnavailableError("The store is closed: the server is shutting down.")
        if asyncio.get_running_loop() is not self._home:
            there = asyncio.run_coroutine_threadsafe(self._shielded(run), self._home)
            value: T = await asyncio.shield(asyncio.wrap_future(there))
            return value
        task: asyncio.Task[T] = self._home.create_task(run())
        self._units.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._units.discard(task)
        # A caller who was cancelled does not fetch it.
        task.cancelled() or task.exception()

    async def _unit(self, work: Callable[[Unit], T], moment: Moment) -> T:
        async def attempt() -> tuple[T, Unit]:
            return await self._attempt(self._engine, lambda c: _done(work, Unit(c, moment)))

        value, unit = await self._persistently(attempt)
        self.unsealed.add(unit.moved)
        ring(unit.after_commit)
        return value

    async def _read(self, unit: Callable[[Connection], T]) -> T:
        return await self._persistently(lambda: self._attempt(self._reading, unit))

    async def _persistently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        number = 0
        while True:
            number += 1
            try:
                return await attempt()
            except _AgainError as exc:
                if number == ATTEMPTS:
                    raise StoreUnavailableError(
                        f"The database {self._shown} is too busy or cannot be reached "
                        f"({exc}). Try again."
                    ) from exc.__cause__
            jitter = random.uniform(0, 1)  # noqa: S311 - spreads load
            await asyncio.sleep(backoff_s(number, RETRY_BASE_S, RETRY_MAX_S, jitter=jitter))

    async def _attempt(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        try:
            async with asyncio.timeout(POOL_TIMEOUT_S):
                await self._free.acquire()
        except TimeoutError as exc:
            raise StoreUnavailableError(
                f"No connection to {self._shown} was free for {POOL_TIMEOUT_S:.0f} s. Try again."
            ) from exc
        loop = asyncio.get_running_loop()
        try:
            done = await loop.run_in_executor(self._threads, self._caught, engine, work)
        finally:
            self._free.release()
        if isinstance(done, _Raised):
            raise done.error
        return done

    def _caught(self, engine: Engine, work: Callable[[Connection], T]) -> T | _Raised:
        """In a thread. Errors are values: a future that is given StopIteration never ends."""
        try:
            return self._in_transaction(engine, work)
        except BaseException as exc:
            return _Raised(exc)

    def _in_transaction(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        committing = False
        try:
            with engine.connect() as connection:
                connection.begin()
                value = work(connection)
                committing = True
                connection.commit()
        except (DBAPIError, psycopg.Error) as exc:
            if (translated := self._translated(exc, committing=committing)) is None:
                raise
            raise translated from exc
        return value

    def _translated(self, exc: DBAPIError | psycopg.Error, *, committing: bool) -> Exception | None:
        """What the caller is told instead; None if the error is what they have to be told."""
        cause = exc.orig if isinstance(exc, DBAPIError) else exc
        if isinstance(cause, (*_MET_ANOTHER, _SLEPT)):
            return _AgainError(type(cause).__name__)
        lost = isinstance(exc, DBAPIError) and exc.connection_invalidated
        failed = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        if (lost or (failed and getattr(cause, "sqlstate", None) is None)) and not committing:
            return _AgainError("the connection was lost")
        if lost or failed or isinstance(cause, psycopg.InternalError):  # read only, or aborted
            return StoreUnavailableError(f"The database {self._shown} failed: {_first_line(cause)}")
        if isinstance(cause, psycopg.DataError):
            return InvalidError(f"The database cannot hold this: {_first_line(cause)}.")
        return None


def _done(work: Callable[[Unit], T], unit: Unit) -> tuple[T, Unit]:
    value = work(unit)
    ledger.end(unit)
    return value, unit


@dataclass(frozen=True)
class _Raised:
    error: BaseException


class _AgainError(Exception):
    """Nothing was committed; the unit can be run again."""


def _first_line(exc: BaseException | None) -> str:
    """Without the query and its parameters."""
    return str(exc).strip().partition("\n")[0]
