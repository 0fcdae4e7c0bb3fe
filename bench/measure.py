"""How a leg is timed and reported. Standard library only: it runs in every peer's environment.

A leg is a process: `python … pause|resume DATABASE RESULT`, with the number of sessions in `N`.
It writes one JSON object to RESULT; whatever its framework prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

RSS_UNITS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024
"""`ru_maxrss` is in bytes on macOS and in KiB on Linux (getrusage(2) of each)."""
_SIDE_FILES = ("", "-wal", "-shm")


class BenchError(Exception):
    """A leg did not do the job, so its figures would mean nothing."""


def require(holds: object, what: str) -> None:
    """Raise BenchError unless `holds`: checks that must survive `python -O`."""
    if not holds:
        raise BenchError(what)


@dataclass(frozen=True)
class Leg:
    """What one process has to do."""

    name: str
    database: Path
    result: Path
    n: int

    @classmethod
    def from_command_line(cls) -> Leg:
        """The leg that the runner asked for."""
        name, database, result = sys.argv[1:4]
        return cls(name, Path(database), Path(result), int(os.environ["N"]))

    @property
    def sessions(self) -> Iterable[int]:
        """Numbers of the sessions, one after the other."""
        return range(self.n)


@dataclass
class Timer:
    """Times every unit of a leg and the leg as a whole. Start it once all is set up."""

    latencies_s: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    _began_s: float = 0.0
    _cpu_began_s: float = 0.0
    _unit_began_s: float = 0.0

    def start(self) -> None:
        """The clock runs from here."""
        self._cpu_began_s, self._began_s = _cpu_s(), time.perf_counter()

    def __enter__(self) -> Self:
        """A unit begins."""
        self._unit_began_s = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The unit is over."""
        self.latencies_s.append(time.perf_counter() - self._unit_began_s)

    def stop(self) -> None:
        """The clock runs to here."""
        self.wall_s = time.perf_counter() - self._began_s
        self.cpu_s = _cpu_s() - self._cpu_began_s

    def figures(self) -> dict[str, Any]:
        """Rates per second, times in ms per unit, and the process's largest resident set."""
        n = len(self.latencies_s)
        return {
            "n": n,
            "per_s": round(n / self.wall_s, 1),
            "p50_ms": round(percentile(self.latencies_s, 50) * 1e3, 3),
            "p99_ms": round(percentile(self.latencies_s, 99) * 1e3, 3),
            "cpu_ms": round(self.cpu_s / n * 1e3, 3),
            "rss_mb": round(rss_mb(), 1),
        }


def percentile(values: Sequence[float], rank: float) -> float:
    """The nearest value at `rank` per cent."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(rank / 100 * (len(ordered) - 1)))]


def rss_mb() -> float:
    """The largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_UNITS_PER_MB


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def size_bytes(database: Path) -> int:
    """The database on disk, after its write-ahead log was taken into it."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    files = (database.with_name(database.name + end) for end in _SIDE_FILES)
    return sum(file.stat().st_size for file in files if file.exists())


def growth_bytes(database: Path) -> dict[str, int] | None:
    """Bytes of every table with its indexes, beyond the page that each has when empty.

    None where SQLite was built without its `dbstat` table.
    """
    connection = sqlite3.connect(database)
    query = """SELECT m.tbl_name, sum(s.pgsize) - count(DISTINCT m.name) * p.page_size
        FROM dbstat s JOIN sqlite_master m ON m.name = s.name, pragma_page_size p
        GROUP BY m.tbl_name"""
    try:
        return {name: int(size) for name, size in connection.execute(query)}
    except sqlite3.OperationalError:
        return None
    finally:
        connection.close()


def held_bytes(database: Path, n: int, ledger: str | None) -> dict[str, int]:
    """What each of `n` sessions holds. `ledger` names the table that is an audit trail, if any.

    `bytes_per_session` is beside the audit trail, and `file_bytes_per_session` the whole file;
    without an audit trail they are the same.
    """
    whole = size_bytes(database) // n
    beside, audit = whole, 0
    if ledger is not None and (sizes := growth_bytes(database)) is not None:
        audit = sizes.pop(ledger) // n
        beside = sum(sizes.values()) // n
    return {
        "bytes_per_session": beside,
        "ledger_bytes_per_session": audit,
        "file_bytes_per_session": whole,
    }


def write(leg: Leg, figures: dict[str, Any]) -> None:
    """Hand the figures to the runner."""
    leg.result.write_text(json.dumps(figures))


def durable(database: Path) -> sqlite3.Connection:
    """A connection as everybody has it: WAL with synchronous=FULL; statements commit by themselves
    outside of BEGIN."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


class StateTable:
    """Where a framework without a store of its own keeps its state: a row for each session."""

    def __init__(self, database: Path):
        self.connection = durable(database)
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS "
            "s(id TEXT PRIMARY KEY, state TEXT NOT NULL, status TEXT NOT NULL)"
        )

    def pause(self, session: str, state: str) -> None:
        """Keep the state of a session that waits."""
        self.connection.execute("INSERT INTO s VALUES(?,?,'pending')", (session, state))

    def load(self, session: str) -> str:
        """The state of a session."""
        row = self.connection.execute("SELECT state FROM s WHERE id=?", (session,)).fetchone()
        return str(row[0])

    def finish(self, session: str, state: str) -> None:
        """Keep the state of a session that is over."""
        self.connection.execute("UPDATE s SET state=?,status='done' WHERE id=?", (state, session))
