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
from typing import Any

from bench.measure import Leg, StateTable, Timer, report, require
from bench.payload import ARGUMENTS, SYSTEM, TASK, Refunds, refund

STATE = json.dumps({"messages": [TASK] * 20, "system": SYSTEM, "pad": "x" * 800})
"""About the size of a framework's state."""
_NOTHING = b"\0" * 32


class Floor:
    """One connection, one chain."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
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


def main(leg: Leg) -> None:
    """Run the leg."""
    connection = StateTable(leg.database).connection
    floor, timer = Floor(connection), Timer()
    step = floor.pause if leg.name == "pause" else floor.resume
    timer.start()
    for i in leg.sessions:
        with timer:
            step(i)
    timer.stop()
    connection.close()
    require(leg.name == "pause" or Refunds.done == leg.n, "not every refund ran once")
    report(leg, timer, versions={"sqlite": sqlite3.sqlite_version}, ledger="l")


if __name__ == "__main__":
    main(Leg.from_command_line())
