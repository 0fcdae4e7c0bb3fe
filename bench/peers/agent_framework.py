"""Microsoft Agent Framework: a tool with `approval_mode="always_require"`, its session as JSON.

Source: https://learn.microsoft.com/en-us/agent-framework/ (function tools with human approval)
"""

# Its packages are installed in its own environment only, so mypy sees Any everywhere.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from agent_framework import (
    Agent,
    AgentSession,
    BaseChatClient,
    ChatResponse,
    Content,
    FunctionInvocationLayer,
    Message,
    tool,
)

from bench.measure import StateTable, require
from bench.payload import ANSWER, ARGUMENTS, CALL_ID, SYSTEM, TASK, TOOL, Refunds, refund


class _Client(BaseChatClient):
    def _inner_get_response(self, *, messages: Any, stream: Any, options: Any, **_: Any) -> Any:
        async def respond() -> ChatResponse:
            if any(content.type == "function_result" for content in messages[-1].contents):
                content = Content.from_text(ANSWER)
            else:
                content = Content.from_function_call(
                    call_id=CALL_ID, name=TOOL, arguments=json.dumps(ARGUMENTS)
                )
            return ChatResponse(messages=[Message(role="assistant", contents=[content])])

        return respond()


class Stub(FunctionInvocationLayer, _Client):
    """A model that asks for the refund, and says so once it has the result."""


class Side:
    """One agent, and a row for each of its sessions."""

    versions: ClassVar[dict[str, str]] = {"agent-framework-core": version("agent-framework-core")}

    def __init__(self, states: StateTable):
        self._states, self._refunds = states, 0
        guarded = tool(approval_mode="always_require")(refund)
        self._agent = Agent(Stub(), SYSTEM, name="ops", tools=[guarded])

    def ready(self, _: str, __: int) -> None:
        """Count the refunds of the block that comes."""
        self._refunds = Refunds.done

    async def pause(self, number: int) -> None:
        """Run until the agent waits for a person, and keep its state."""
        session = self._agent.create_session(session_id=f"t{number}")
        response = await self._agent.run(TASK, session=session)
        requests = response.user_input_requests
        require(requests, "the agent did not stop for a person")
        state = {"session": session.to_dict(), "requests": [one.to_dict() for one in requests]}
        self._states.pause(f"t{number}", json.dumps(state))

    async def resume(self, number: int) -> None:
        """Approve what waits, run to the end, and keep the state."""
        state = json.loads(self._states.load(f"t{number}"))
        session = AgentSession.from_dict(state["session"])
        requests = [Content.from_dict(one) for one in state["requests"]]
        approvals = [one.to_function_approval_response(approved=True) for one in requests]
        response = await self._agent.run(Message(role="user", contents=approvals), session=session)
        require(response.text == ANSWER, "the agent did not finish")
        self._states.finish(f"t{number}", json.dumps({"session": session.to_dict()}))

    def done(self, leg: str, n: int) -> None:
        """Raises BenchError unless the job was done."""
        ran = Refunds.done - self._refunds
        require(ran == (n if leg == "resume" else 0), "not every refund ran once")


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[Side]:
    """The agent on this database."""
    states = StateTable(database)
    yield Side(states)
    states.connection.close()
