"""SQLite as the embedded store: one writer thread that commits waiting units together.

WAL with synchronous=FULL, so what was acknowledged survives a power cut. Units that wait share
one commit, each in a savepoint of its own, so one that fails takes nobody with it; one that comes
alone is the transaction. A kill loses nothing acknowledged but may keep a unit whose caller never
heard of it: callers need idempotency keys. The writer keeps its connection; readers have others
and never wait for it.
"""

from __future__ import annotations

import asyncio
import fcntl
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import QueuePool
from typing_extensions import override

from countersign.approvals.audit.seals import Unsealed
from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.outages import Outages
from countersign.approvals.ports import Moment, Store, Unit
from countersign.approvals.store import ledger
from countersign.approvals.store.after_commit import ring
from countersign.approvals.store.preallocate import make_room
from countersign.approvals.store.prepared import run

T = TypeVar("T")
log = structlog.get_logger(__name__)

BATCH = 64
"""Units per commit at most: bounds what one caller waits for the others."""
BUSY_TIMEOUT_MS = 5000
CHECKPOINT_PAGES = 2000
"""Pages of 4 KiB in the write-ahead log before they are copied into the file: twice SQLite's own,
because every session changes the same pages again and again."""
CACHE_KIB = 8 * 1024
"""Of the writer."""
READERS = 8
OLDEST = (3, 35, 0)
"""The first SQLite with RETURNING: https://www.sqlite.org/lang_returning.html (read 2026-11-25)."""


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


def sqlite_engine(path: Path, *, read_only: bool = False, pool_size: int = 1) -> Engine:
    """An engine whose transactions start as `BEGIN IMMEDIATE` (writer) or `BEGIN` (reader).

    Raises ConfigurationError if this Python's SQLite is too old.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise ConfigurationError(
            f"This Python has SQLite {sqlite3.sqlite_version}; 3.35 or newer is needed. Use "
            "another Python, or PostgreSQL: set COUNTERSIGN_DATABASE_URL."
        )
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not _driver(connection).in_transaction:  # the writer has begun it already
            run(connection, begin)

    return engine


@contextmanager
def exclusive(path: Path) -> Iterator[TextIO]:
    """Hold the database for this process: a second server on one file would break the lease
    rule that a process which is gone holds nothing. Raises ConfigurationError if it is taken."""
    try:
        lock = path.with_name(path.name + ".lock").open("a+")
    except OSError as exc:
        raise ConfigurationError(
            f"{exc.filename} cannot be opened for writing ({exc.strerror}). Check the permissions "
            "of its folder, or set COUNTERSIGN_DATABASE_URL to another file."
        ) from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        lock.close()
        raise ConfigurationError(
            f"{path} is in use by another Countersign process; stop it, or set "
            "COUNTERSIGN_DATABASE_URL to another file."
        ) from exc
    try:
        yield lock
    finally:
        lock.close()


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
            raise UnavailableError(f"The database {self._path} cannot be read: {exc}") from exc


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
            error = UnavailableError(f"The database {self._path} cannot be written: {exc}")
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
                exc2 = UnavailableError(f"The database {self._path} failed: {exc.orig}")
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


def _end(connection: Connection) -> None:
    """Commit. Raises if SQLite has ended the transaction itself, as it does after some errors."""
    if not connection.in_transaction():  # no unit went through SQLAlchemy's own statements
        run(connection, "COMMIT")
    elif _driver(connection).in_transaction:
        connection.commit()
    else:
        raise sqlite3.OperationalError("the transaction has ended before its commit")


def _undo(connection: Connection) -> None:
    if connection.in_transaction():
        connection.rollback()
    else:
        _driver(connection).rollback()


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


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
