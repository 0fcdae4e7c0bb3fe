"""SQLite as the embedded store: one writer thread that commits waiting units together.

WAL with synchronous=FULL, so what was acknowledged survives a power cut. Units that wait share
one commit, each in a savepoint of its own, so one that fails takes nobody with it; one that comes
alone is the transaction. A kill loses nothing acknowledged but may keep a unit whose caller never
heard of it: callers need idempotency keys. The writer keeps its connection; readers have others
and never wait for it.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from typing_extensions import override

from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.errors import StoreUnavailableError, UnavailableError
from countersign.approvals.outages import Outages
from countersign.approvals.ports import Moment, Store, Unit
from countersign.approvals.store import ledger
from countersign.approvals.store.after_commit import ring
from countersign.approvals.store.preallocate import make_room
from countersign.approvals.store.prepared import run
from countersign.approvals.store.sqlite_engine import CHECKPOINT_PAGES, driver, sqlite_engine

T = TypeVar("T")
log = structlog.get_logger(__name__)

BATCH = 64
"""Units per commit at most: bounds what one caller waits for the others."""
READERS = 8


@dataclass(slots=True)
class _Waiting:
    work: Callable[[Unit], Any]
    moment: Moment
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


@dataclass(slots=True)
class _Outcome:
    waiting: _Waiting
    value: Any = None
    error: BaseException | None = None
    after_commit: Sequence[Callable[[], None]] = ()


class SqliteReader(Store):
    """The reading half of the store; may be used while another process writes."""

    def __init__(self, path: Path):
        self._path = path
        self.unsealed = Unsealed()
        self._readers = sqlite_engine(path, read_only=True, pool_size=READERS)
        # Threads of our own: AutoGen's model calls may fill the loop's default pool for minutes.
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    @property
    def engine(self) -> Engine:
        """The engine of the readers."""
        return self._readers

    @override
    async def read(self, unit: Callable[[Connection], T]) -> T:
        try:
            reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read, unit)
        except RuntimeError as exc:  # the pool takes no more work
            raise UnavailableError("The store is closed: the server is shutting down.") from exc
        return await reading

    @override
    async def unit(self, work: Callable[[Unit], T], moment: Moment) -> T:
        """Refused: raises UnavailableError."""
        raise UnavailableError(f"{self._path} was opened for reading only.")

    async def close(self) -> None:
        """Let go of the file."""
        self._threads.shutdown()  # a read takes milliseconds
        self._readers.dispose()

    def _read(self, unit: Callable[[Connection], T]) -> T:
        try:
            with self._readers.connect() as connection, connection.begin():
                return unit(connection)
        except (DatabaseError, PoolTimeoutError) as exc:  # locked, damaged, or no reader is free
            raise StoreUnavailableError(
                f"The database {self._path} cannot be read: {_said(exc)}"
            ) from exc


class SqliteStore(SqliteReader):
    """Implements `approvals.ports.Store` on one file."""

    def __init__(self, path: Path, *, roomy_log: bool = False):
        """`roomy_log` is for a database that is going to be written to for long."""
        super().__init__(path)
        self._roomy_log = roomy_log
        self._writer = sqlite_engine(path)
        self._connection: Connection | None = None
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sqlite-writer", daemon=True)
        self._closed = False
        self._outages = Outages("store", key="cannot_be")

    def open(self) -> None:
        """Start the writer. Call once."""
        self._thread.start()

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._thread.join)
        self._writer.dispose()
        await super().close()

    @override
    async def unit(self, work: Callable[[Unit], T], moment: Moment) -> T:
        if self._closed:
            raise UnavailableError("The store is closed: the server is shutting down.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Waiting(work, moment, future, loop))
        return await future

    def _work(self) -> None:
        while batch := self._take():
            outcomes = self._commit(batch)
            loops: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
            for outcome in outcomes:
                loops.setdefault(outcome.waiting.loop, []).append(outcome)
            for loop, mine in loops.items():
                try:
                    loop.call_soon_threadsafe(_complete, mine)
                except RuntimeError:  # that loop is closed: nobody waits there any more
                    log.warning("store caller gone", units=len(mine))
        self._disconnect()

    def _take(self) -> list[_Waiting]:
        first = self._queue.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < BATCH and not self._queue.empty():
            unit = self._queue.get()  # nobody else takes from it
            if unit is None:
                self._queue.put(None)  # end after this batch
                break
            batch.append(unit)
        return batch

    def _commit(self, batch: list[_Waiting]) -> list[_Outcome]:
        try:
            if self._connection is None:
                self._connection = self._writer.connect()
            run(self._connection, "BEGIN IMMEDIATE")
            self._make_room()
            if len(batch) > 1:
                outcomes = [self._run_in_savepoint(self._connection, each) for each in batch]
            else:
                outcomes = [self._run(self._connection, batch[0])]
            if len(batch) > 1 or outcomes[0].error is None:
                _end(self._connection)
            else:
                _undo(self._connection)
            self._outages.up("committed")
            return outcomes
        # BEGIN or COMMIT failed (disk full, busy): nobody is told that it worked.
        except Exception as exc:
            self._outages.down("committed", str(exc))
            if self._connection is not None:
                self._connection.invalidate()  # whatever it is in the middle of ends with it
            self._disconnect()
            error = StoreUnavailableError(
                f"The database {self._path} cannot be written: {_said(exc)}"
            )
            return [_Outcome(each, error=error) for each in batch]

    def _make_room(self) -> None:
        if self._roomy_log:
            self._roomy_log = False
            try:
                make_room(self._path, pages=CHECKPOINT_PAGES)
            except OSError as exc:  # it is only slower without
                log.warning("no room for the write-ahead log", error=str(exc))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run_in_savepoint(self, connection: Connection, waiting: _Waiting) -> _Outcome:
        run(connection, "SAVEPOINT unit")
        outcome = self._run(connection, waiting)
        if outcome.error is not None:
            run(connection, "ROLLBACK TO unit")
        run(connection, "RELEASE unit")
        return outcome

    def _run(self, connection: Connection, waiting: _Waiting) -> _Outcome:
        unit = Unit(connection, waiting.moment)
        try:
            value = waiting.work(unit)
            ledger.end(unit)
        except DBAPIError as exc:
            if isinstance(exc, OperationalError) or type(exc) is DatabaseError:
                exc2 = StoreUnavailableError(f"The database {self._path} failed: {exc.orig}")
                exc2.__cause__ = exc
                return _Outcome(waiting, error=exc2)
            return _Outcome(waiting, error=exc)
        # Handed to the caller, who knows what it means; the thread has to go on for the others.
        except BaseException as exc:
            if isinstance(exc, StopIteration):  # which a future refuses
                return _Outcome(waiting, error=RuntimeError(f"The unit raised {exc!r}."))
            return _Outcome(waiting, error=exc)
        if unit.moved:
            unit.after_commit.append(partial(self.unsealed.add, unit.moved))
        return _Outcome(waiting, value=value, after_commit=unit.after_commit)


def _said(error: Exception) -> str:
    """What SQLite said, without the statement."""
    return str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]


def _end(connection: Connection) -> None:
    """Commit. Raises if SQLite has ended the transaction itself, as it does after some errors."""
    if not connection.in_transaction():  # no unit went through SQLAlchemy's own statements
        run(connection, "COMMIT")
    elif driver(connection).in_transaction:
        connection.commit()
    else:
        raise sqlite3.OperationalError("the transaction has ended before its commit")


def _undo(connection: Connection) -> None:
    if connection.in_transaction():
        connection.rollback()
    else:
        driver(connection).rollback()


def _complete(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        ring(outcome.after_commit)
        future = outcome.waiting.future
        if future.done():  # the caller was cancelled; the unit stands all the same
            continue
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.value)
