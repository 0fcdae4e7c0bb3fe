"""No framework at all: what a safe design has to write at the least, with `sqlite3` alone.

pause: one transaction with the session's row, a pending request bound to the SHA-256 of its
arguments, and a hash-chained ledger entry. resume: a compare-and-set claim with its entry; the
tool; the outcome with its entry.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from bench.measure import StateTable, require
from bench.payload import ARGUMENTS, SYSTEM, TASK, Refunds, refund

STATE = json.dumps({"messages": [TASK] * 20, "system": SYSTEM, "pad": "x" * 800})
"""About the size of a framework's state."""
_NOTHING = b"\0" * 32


class Floor:
    """One connection, one chain."""

    versions: ClassVar[dict[str, str]] = {"sqlite": sqlite3.sqlite_version}
    ledger = "l"

    def __init__(self, connection: sqlite3.Connection):
        self._connection, self._refunds = connection, 0
        connection.execute(
            "CREATE TABLE IF NOT EXISTS "
            "a(id TEXT PRIMARY KEY, sid TEXT, args TEXT, dig BLOB, status TEXT, by TEXT)"
        )
        connection.execute(
            "CREATE TABLE IF NOT EXISTS "
            "l(seq INTEGER PRIMARY KEY, ts REAL, ev TEXT, prev BLOB, h BLOB)"
        )
        last = connection.execute("SELECT h FROM l ORDER BY seq DESC LIMIT 1").fetchone()
        self._head: bytes = last[0] if last else _NOTHING

    def ready(self, _: str, __: int) -> None:
        """Count the refunds of the block that comes."""
        self._refunds = Refunds.done

    def done(self, leg: str, n: int) -> None:
        """Raises BenchError unless the job was done."""
        ran = Refunds.done - self._refunds
        require(ran == (n if leg == "resume" else 0), "not every refund ran once")

    def pause(self, i: int) -> None:
        """Store a session that waits."""
        run = self._connection.execute
        digest = _digest(ARGUMENTS)
        run("BEGIN IMMEDIATE")
        run("INSERT INTO s VALUES(?,?,'pending')", (f"t{i}", STATE))
        request = (f"a{i}", f"t{i}", json.dumps(ARGUMENTS), digest)
        run("INSERT INTO a VALUES(?,?,?,?, 'pending', NULL)", request)
        self._append({"e": "requested", "a": f"a{i}", "d": digest.hex()})
        run("COMMIT")

    def resume(self, i: int) -> None:
        """Claim it, run the tool with what was approved, store the outcome."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        arguments, digest = run("SELECT args,dig FROM a WHERE id=?", (f"a{i}",)).fetchone()
        claimed = run(
            "UPDATE a SET status='claimed', by='u1' WHERE id=? AND status='pending'", (f"a{i}",)
        )
        require(claimed.rowcount == 1, "somebody else claimed it")
        self._append({"e": "approved", "a": f"a{i}", "by": "u1", "d": digest.hex()})
        run("COMMIT")
        json.loads(run("SELECT state FROM s WHERE id=?", (f"t{i}",)).fetchone()[0])
        approved = json.loads(arguments)
        require(_digest(approved) == digest, "the arguments are not those that were approved")
        outcome = refund(**approved)
        run("BEGIN IMMEDIATE")
        run("UPDATE a SET status='done' WHERE id=?", (f"a{i}",))
        run("UPDATE s SET status='done' WHERE id=?", (f"t{i}",))
        self._append({"e": "executed", "a": f"a{i}", "r": outcome})
        run("COMMIT")

    def _append(self, event: dict[str, Any]) -> None:
        text = _canonical(event)
        link = hashlib.sha256(b"\0" + self._head + text.encode()).digest()
        entry = (time.time(), text, self._head, link)
        self._connection.execute("INSERT INTO l(ts,ev,prev,h) VALUES(?,?,?,?)", entry)
        self._head = link


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _digest(value: Any) -> bytes:
    return hashlib.sha256(_canonical(value).encode()).digest()


@contextmanager
def opened(database: Path) -> Iterator[Floor]:
    """The floor on this database."""
    connection = StateTable(database).connection
    yield Floor(connection)
    connection.close()
