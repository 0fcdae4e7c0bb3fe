"""Microsoft Agent Framework doing the same work: what protects each step of ours, beside its agent.

The way a good engineer would add it, by hand and with `sqlite3` alone: the arguments are bound by
the SHA-256 of their RFC 8785 form, a vote is a compare-and-set on that digest, the tool is claimed
before it runs and its outcome kept before the agent hears of it. One commit for each step, and
with it one entry of the session's hash chain: start and request; vote, claim, result and end. The
head of the chain is read once for each run and then carried along. Commits stay on the event loop:
the quickest way while there is one session at a time.
"""

# Its packages are installed in its own environment only, so mypy sees Any everywhere.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import rfc8785
from agent_framework import Agent, AgentSession, Content, Message, tool

from bench.measure import durable, require
from bench.payload import ANSWER, SYSTEM, TASK, TOOL, Refunds, refund
from bench.peers.agent_framework import Stub

APPROVER = "alex"
GENESIS = b"\0" * 32
SCHEMA = (
    "CREATE TABLE IF NOT EXISTS sessions(id TEXT PRIMARY KEY, task TEXT NOT NULL, "
    "status TEXT NOT NULL, state TEXT, answer TEXT) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS requests(id TEXT PRIMARY KEY, session TEXT NOT NULL, "
    "call_id TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL, digest BLOB NOT NULL, "
    "status TEXT NOT NULL, decided_by TEXT, result TEXT) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS ledger(session TEXT NOT NULL, seq INTEGER NOT NULL, "
    "at REAL NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL, "
    "PRIMARY KEY(session, seq)) WITHOUT ROWID",
)


@dataclass
class Run:
    """A session in progress, with the head of its chain."""

    session: str
    request: str
    digest: bytes = b""
    seq: int = 0
    head: bytes = GENESIS


_run: ContextVar[Run] = ContextVar("run")


class Records:
    """Steps of sessions: each is one transaction with its entry of the ledger."""

    def __init__(self, connection: sqlite3.Connection):
        self._execute = connection.execute
        for statement in SCHEMA:
            self._execute(statement)

    def started(self, run: Run) -> None:
        """A new session."""
        self._execute("BEGIN IMMEDIATE")
        self._execute(
            "INSERT INTO sessions(id, task, status) VALUES(?,?,'running')", (run.session, TASK)
        )
        self._append(run, "started", {"task": TASK})
        self._execute("COMMIT")

    def requested(self, run: Run, call: Any, state: str) -> None:
        """It waits for a person, its state kept."""
        arguments = call.parse_arguments()
        run.digest = digest(arguments)
        self._execute("BEGIN IMMEDIATE")
        self._execute(
            "UPDATE sessions SET status='waiting', state=? WHERE id=?", (state, run.session)
        )
        self._execute(
            "INSERT INTO requests VALUES(?,?,?,?,?,?,'pending',NULL,NULL)",
            (run.request, run.session, call.call_id, TOOL, json.dumps(arguments), run.digest),
        )
        self._append(run, "requested", {"request": run.request, "digest": run.digest.hex()})
        self._execute("COMMIT")

    def voted(self, run: Run, seen: bytes) -> None:
        """A person approves what they saw: the first one wins."""
        self._execute("BEGIN IMMEDIATE")
        run.seq, run.head = self._execute(
            "SELECT seq, hash FROM ledger WHERE session=? ORDER BY seq DESC LIMIT 1",
            (run.session,),
        ).fetchone()
        self._change(
            "UPDATE requests SET status='approved', decided_by=? "
            "WHERE id=? AND status='pending' AND digest=?",
            (APPROVER, run.request, seen),
        )
        run.digest = seen
        self._append(run, "approved", {"request": run.request, "by": APPROVER, "d": seen.hex()})
        self._execute("COMMIT")

    def state(self, run: Run) -> Any:
        """What was kept of a session."""
        query = "SELECT state FROM sessions WHERE id=?"
        return json.loads(self._execute(query, (run.session,)).fetchone()[0])

    def claimed(self, run: Run, arguments: Any) -> None:
        """The tool may run once, with what was approved."""
        require(digest(arguments) == run.digest, "the arguments are not those that were approved")
        self._execute("BEGIN IMMEDIATE")
        self._change(
            "UPDATE requests SET status='claimed' WHERE id=? AND status='approved'", (run.request,)
        )
        self._append(run, "claimed", {"request": run.request, "digest": run.digest.hex()})
        self._execute("COMMIT")

    def executed(self, run: Run, result: str) -> None:
        """What the tool said."""
        self._execute("BEGIN IMMEDIATE")
        self._change(
            "UPDATE requests SET status='executed', result=? WHERE id=? AND status='claimed'",
            (result, run.request),
        )
        self._append(run, "executed", {"request": run.request, "result": result})
        self._execute("COMMIT")

    def completed(self, run: Run, state: str, answer: str) -> None:
        """The session is over."""
        self._execute("BEGIN IMMEDIATE")
        self._change(
            "UPDATE sessions SET status='completed', state=?, answer=? "
            "WHERE id=? AND status='waiting'",
            (state, answer, run.session),
        )
        self._append(run, "completed", {"answer": answer})
        self._execute("COMMIT")

    def digest_of(self, run: Run) -> bytes:
        """What a card would show of a request."""
        query = "SELECT digest FROM requests WHERE id=?"
        return bytes(self._execute(query, (run.request,)).fetchone()[0])

    def verify(self) -> None:
        """Raises BenchError unless every chain is whole."""
        heads: dict[str, tuple[int, bytes]] = {}
        for session, seq, at, kind, body, kept in self._execute(
            "SELECT session, seq, at, kind, body, hash FROM ledger ORDER BY session, seq"
        ):
            before, head = heads.get(session, (0, GENESIS))
            found = link(head, session, seq, at, kind, body)
            require(seq == before + 1 and found == kept, f"the chain of {session} is broken")
            heads[session] = seq, found

    def _change(self, statement: str, values: tuple[Any, ...]) -> None:
        require(self._execute(statement, values).rowcount == 1, "somebody else was first")

    def _append(self, run: Run, kind: str, body: dict[str, str]) -> None:
        # Strings under ASCII keys: what `json` writes here is their RFC 8785 form.
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        run.seq, at = run.seq + 1, time.time()
        run.head = link(run.head, run.session, run.seq, at, kind, text)
        entry = (run.session, run.seq, at, kind, text, run.head)
        self._execute("INSERT INTO ledger VALUES(?,?,?,?,?,?)", entry)


def digest(arguments: Any) -> bytes:
    """What a person signs."""
    return hashlib.sha256(rfc8785.dumps(arguments)).digest()


def link(head: bytes, session: str, seq: int, at: float, kind: str, body: str) -> bytes:
    """The hash of an entry over the one before."""
    return hashlib.sha256(head + f"{session}\0{seq}\0{at!r}\0{kind}\0{body}".encode()).digest()


def guarded(records: Records, function: Callable[..., str]) -> Callable[..., Any]:
    """The tool, which runs only once it is claimed, and whose outcome is kept."""

    @wraps(function)
    async def claim_and_run(**arguments: Any) -> str:
        run = _run.get()
        records.claimed(run, arguments)
        result = function(**arguments)
        records.executed(run, result)
        return result

    return claim_and_run


class Side:
    """One agent, and its records."""

    versions: ClassVar[dict[str, str]] = {"agent-framework-core": version("agent-framework-core")}
    ledger = "ledger"

    def __init__(self, records: Records):
        self._records, self._refunds = records, 0
        wrapped = tool(approval_mode="always_require")(guarded(records, refund))
        self._agent = Agent(Stub(), SYSTEM, name="ops", tools=[wrapped])

    def ready(self, leg: str, n: int) -> None:
        """Count the refunds of the block that comes."""
        self._refunds = Refunds.done

    async def pause(self, number: int) -> None:
        """Run until the agent waits for a person."""
        run = Run(f"t{number}", f"r{number}")
        self._records.started(run)
        session = self._agent.create_session(session_id=run.session)
        response = await self._agent.run(TASK, session=session)
        requests = response.user_input_requests
        require(requests, "the agent did not stop for a person")
        state = {"session": session.to_dict(), "requests": [one.to_dict() for one in requests]}
        self._records.requested(run, requests[0].function_call, json.dumps(state))

    async def resume(self, number: int) -> None:
        """Vote, claim, run the tool, and end."""
        run = Run(f"t{number}", f"r{number}")
        self._records.voted(run, self._records.digest_of(run))
        state = self._records.state(run)
        session = AgentSession.from_dict(state["session"])
        requests = [Content.from_dict(one) for one in state["requests"]]
        approvals = [one.to_function_approval_response(approved=True) for one in requests]
        _run.set(run)
        response = await self._agent.run(Message(role="user", contents=approvals), session=session)
        require(response.text == ANSWER, "the agent did not finish")
        after = json.dumps({"session": session.to_dict()})
        self._records.completed(run, after, response.text)

    def done(self, leg: str, n: int) -> None:
        """Raises BenchError unless the job was done."""
        ran = Refunds.done - self._refunds
        require(ran == (n if leg == "resume" else 0), "not every refund ran once")


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[Side]:
    """The agent on this database; every chain has to be whole at the end."""
    connection = durable(database)
    records = Records(connection)
    yield Side(records)
    records.verify()
    connection.close()
