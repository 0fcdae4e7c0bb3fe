"""Countersign's legs: start sessions and run them to their pause; approve and finish them.

The way is the product's: session manager, gate, snapshot, policy, store, ledger, claim, result.
It runs on other commits as well (`bench.lockstep`), each with its own `bench.ours.stack`, so it
names nothing else of the product.
"""

from __future__ import annotations

import os
import sqlite3
import sqlite3.dbapi2
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from bench.measure import require
from bench.ours.stack import LEDGER, Stack, stack
from bench.ours.workflow_names import GROUP
from bench.payload import ANSWER, ARGUMENTS, TASK, Refunds

_WORDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class Statements:
    """Counts what is asked of SQLite, on every connection made from now on; transactions apart."""

    def __init__(self) -> None:
        self.total = 0
        connect: Any = sqlite3.connect

        def counted(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_trace_callback(self._count)
            return connection

        patched: Any = counted
        sqlite3.connect = sqlite3.dbapi2.connect = patched

    def _count(self, text: str) -> None:
        self.total += text.lstrip().upper().startswith(_WORDS)


class Sessions:
    """The side of Countersign: sessions of the chat that `WORKFLOW` names."""

    ledger = LEDGER
    versions: ClassVar[dict[str, str]] = {
        name: version(name) for name in ("autogen", "sqlalchemy", "pydantic")
    }

    def __init__(self, ours: Stack, workflow: str, counted: Statements | None):
        self._ours: Any = ours  # of any commit
        self._workflow, self._counted = workflow, counted
        self._waiting: deque[Any] = deque()
        self._decided: list[Any] = []
        self._statements: dict[str, int] = {}
        self._refunds = 0

    async def ready(self, leg: str, n: int) -> None:
        """What waits, for whoever resumes it."""
        self._refunds = Refunds.done
        if leg == "resume":
            self._decided = await self._ours.pending()
            self._waiting = deque(self._decided)
            require(len(self._waiting) == n, f"{len(self._waiting)} of {n} sessions wait")

    async def pause(self, _: int) -> None:
        """Start a session and run it until it waits, durably stored."""
        before = self._counted.total if self._counted else 0
        await self._ours.start(self._workflow, TASK)
        self._note("pause", before)

    async def resume(self, _: int) -> None:
        """Vote on a request and run its session to the end."""
        request = self._waiting.popleft()
        before = self._counted.total if self._counted else 0
        await self._ours.approve(request)
        await self._ours.manager.run(request.session_id)
        self._note("resume", before)

    async def done(self, leg: str, n: int) -> None:
        """Raises BenchError unless the job was done."""
        if leg == "pause":
            waiting = await self._ours.pending()
            require(len(waiting) == n, f"{len(waiting)} of {n} sessions wait")
            require(all(r.arguments == ARGUMENTS for r in waiting), "other arguments are waiting")
            return
        ended = [await records_of(self._ours).session(r.session_id) for r in self._decided]
        stand = dict(Counter(str(session.status) for session in ended))
        ran = Refunds.done - self._refunds
        require(ran == n, f"{ran} of {n} refunds ran, sessions are {stand}")
        require(stand == {"completed": n}, f"sessions are {stand}")
        answers = {session.answer for session in ended}
        require(answers == {ANSWER}, f"sessions end with {answers}")

    def statements(self) -> dict[str, int]:
        """How many each leg has asked of the database, if they are counted."""
        return self._statements

    def _note(self, leg: str, before: int) -> None:
        if self._counted:
            spent = self._counted.total - before
            self._statements[leg] = self._statements.get(leg, 0) + spent


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[Sessions]:
    """The parts on this database. The ledger has to verify at the end."""
    workflow = os.environ.get("WORKFLOW", GROUP)
    counted = Statements() if "STATEMENTS" in os.environ else None
    async with stack(database, workflow) as ours:
        yield Sessions(ours, workflow, counted)
        verification = await records_of(ours).verify()
        require(verification.verified, "the ledger does not verify")


def records_of(ours: Any) -> Any:
    """What reads sessions and the ledger, which once was no part of its own."""
    return getattr(ours, "records", None) or ours.service
