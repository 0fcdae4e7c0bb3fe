"""The gate knows no framework: a chat that is a few lines of Python waits at it, and goes on."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from typing_extensions import override

from countersign.agents.calls import AskedCall
from countersign.agents.gate import Gate
from countersign.agents.guard.contexts import ChatContext
from countersign.agents.ports import Position, Progress
from countersign.agents.session_chat import Ended
from countersign.agents.session_manager import SessionManager
from countersign.agents.suspension import ChatSuspendedError
from countersign.agents.tools.outcomes import Errors
from countersign.agents.tools.permit import SealedTool
from countersign.agents.values.effective import ToolParameters
from countersign.agents.values.signature import Framework
from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import (
    ChatState,
    Injected,
    JsonObject,
    SessionId,
    SessionStatus,
    StoredChat,
)
from tests.agents.fakes import FakeRuns

TAKES = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}


class Plain(Framework):
    """Functions as they are: nothing wraps them and nothing is put in."""

    @override
    def schema(self, name: str, body: Callable[..., Any]) -> JsonObject:
        return dict(TAKES)

    @override
    def users_own(self, body: Callable[..., Any]) -> tuple[Callable[..., Any], bool]:
        return body, False

    @override
    def injected(self, parameter: inspect.Parameter) -> Injected | None:
        return None

    @override
    def bound(
        self,
        function: Callable[..., Any],
        injected: Mapping[str, inspect.Parameter],
        arguments: Sequence[str],
    ) -> tuple[Callable[..., Any], Mapping[str, Any]]:
        return function, {}


class Clerk:
    """Executes `pay`."""

    name = "clerk"
    idempotent: frozenset[str] = frozenset()
    asks_beforehand = False

    def __init__(self, body: Callable[..., Any]):
        self.function_map = {"pay": SealedTool("pay", body, Plain())}

    def harmless_of(self, tool: str) -> Errors:
        return ()

    def undo_of(self, tool: str) -> None:
        """Nothing is taken back."""

    def checks_of(self, tool: str) -> None:
        return None


class Untold(Progress):
    """Nobody follows."""

    @override
    def skip(self) -> None: ...

    @override
    def lines(self, *, without: str = "") -> list[str]:
        return []


class Toy:
    """A chat in which one agent asks to pay once and says what came of it. It is its own pool."""

    version, also = "1", ()

    def __init__(self) -> None:
        self.paid: list[int] = []
        self.amount, self.pauses = 5, 0
        clerk = Clerk(self.pay)
        self.runners = [clerk]
        self.tools = {"pay": clerk.function_map["pay"].parameters}
        self.offered = {"agent": frozenset({"pay"})}
        self.chat_context, self.progress = ChatContext(), Untold()

    def pay(self, amount: int) -> str:
        self.paid.append(amount)
        return f"paid {amount}"

    def state(self, waiting: str, turn: int) -> ChatState:
        return ChatState(json.dumps([waiting, turn]), sha256_hex(b"[]"))

    def restore(self, state: StoredChat) -> Position:
        return Position(*json.loads(state.snapshot))

    async def begin(self, gate: Gate, task: str) -> Ended:
        return await self._played(gate)

    async def resume(self, gate: Gate, waiting: str) -> Ended:
        return await self._played(gate)

    async def _played(self, gate: Gate) -> Ended:
        asked = [AskedCall("pay", {"amount": self.amount}, None, "It is due.")]
        if gate.is_open:
            batch = gate.reopened(self.runners[0], asked, "agent")
        else:
            batch = await gate.propose(self.runners[0], asked, "agent")
        answers = await gate.carry_out(self.runners[0], batch)
        if answers is None:
            self.pauses += 1
            raise ChatSuspendedError
        return Ended(Ending(cause=SessionCause.ANSWERED, answer=answers[0].text), None)

    def info(self, name: str) -> Toy:
        return self

    @asynccontextmanager
    async def session_chat(self, name: str) -> AsyncIterator[Toy]:
        yield self


async def _started(runs: FakeRuns) -> SessionId:
    return (await runs.start(workflow="toy", workflow_version="1", task="Pay.")).id


async def _run(runs: FakeRuns, toy: Toy, session_id: SessionId) -> None:
    async with SessionManager(runs, toy) as manager:  # type: ignore[arg-type]
        await manager.run(session_id)


async def test_chat_of_another_framework_waits_and_its_tool_runs_once() -> None:
    runs, toy = FakeRuns(guarded=["pay"]), Toy()
    session_id = await _started(runs)
    await _run(runs, toy, session_id)
    waiting = runs.sessions[session_id].status

    assert (SessionStatus.WAITING, []) == (waiting, toy.paid)

    (request,) = runs.pending(session_id)
    runs.approve(request.id)
    await _run(runs, toy, session_id)
    session = runs.sessions[session_id]

    assert (SessionStatus.COMPLETED, [5]) == (session.status, toy.paid)
    assert "paid 5" == json.loads(session.answer or "")["result"]


async def test_batch_that_waits_is_not_carried_out() -> None:
    """Also where the framework does not look whether it waits: nothing of it is claimed."""
    runs, toy = FakeRuns(guarded=["pay"]), Toy()
    await _run(runs, toy, await _started(runs))

    assert (["submit"], 1) == (runs.log, toy.pauses)


async def test_restored_chat_that_asks_for_something_else_is_not_continued() -> None:
    runs, toy = FakeRuns(guarded=["pay"]), Toy()
    session_id = await _started(runs)
    await _run(runs, toy, session_id)
    (request,) = runs.pending(session_id)
    runs.approve(request.id)
    toy.amount = 5000
    await _run(runs, toy, session_id)
    session = runs.sessions[session_id]

    assert (SessionStatus.FAILED, []) == (session.status, toy.paid)
    assert "are not the calls of the restored chat" in str(session.error)


@pytest.mark.parametrize("library", ["autogen", "openai"])
def test_what_knows_no_framework_imports_none(library: str) -> None:
    shared = "session_manager, gate", "tools.permit", "guard.threads", "values.time_limit"
    imports = [f"countersign.agents.{name}" for each in shared for name in each.split(", ")]
    code = f"import sys, {', '.join(imports)}; print({library!r} in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == found.stdout.strip()


def test_schema_of_a_plain_function_is_that_of_its_framework() -> None:
    known = ToolParameters("pay", Toy().pay, None, Plain())

    assert {"amount": 5} == known.effective({"amount": 5}).arguments
