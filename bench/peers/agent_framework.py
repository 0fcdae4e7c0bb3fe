"""Microsoft Agent Framework: a tool with `approval_mode="always_require"`, its session as JSON.

Source: https://learn.microsoft.com/en-us/agent-framework/ (function tools with human approval)
"""

# Its packages are installed in its own environment only, so mypy sees Any everywhere.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from typing import Any

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

from bench.measure import Leg, StateTable, Timer, report, require
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


async def pause(agent: Any, states: StateTable, session_id: str) -> None:
    """Run until the agent waits for a person, and keep its state."""
    session = agent.create_session(session_id=session_id)
    response = await agent.run(TASK, session=session)
    requests = response.user_input_requests
    require(requests, "the agent did not stop for a person")
    state = {"session": session.to_dict(), "requests": [one.to_dict() for one in requests]}
    states.pause(session_id, json.dumps(state))


async def resume(agent: Any, states: StateTable, session_id: str) -> None:
    """Approve what waits, run to the end, and keep the state."""
    state = json.loads(states.load(session_id))
    session = AgentSession.from_dict(state["session"])
    requests = [Content.from_dict(one) for one in state["requests"]]
    approvals = [one.to_function_approval_response(approved=True) for one in requests]
    response = await agent.run(Message(role="user", contents=approvals), session=session)
    require(response.text == ANSWER, "the agent did not finish")
    states.finish(session_id, json.dumps({"session": session.to_dict()}))


async def main(leg: Leg) -> None:
    """Run the leg."""
    guarded = tool(approval_mode="always_require")(refund)
    agent = Agent(Stub(), SYSTEM, name="ops", tools=[guarded])
    states, step, timer = (
        StateTable(leg.database),
        pause if leg.name == "pause" else resume,
        Timer(),
    )
    timer.start()
    for i in leg.sessions:
        with timer:
            await step(agent, states, f"t{i}")
    timer.stop()
    require(leg.name == "pause" or Refunds.done == leg.n, "not every refund ran once")
    report(leg, timer, versions={"agent-framework-core": version("agent-framework-core")})


if __name__ == "__main__":
    asyncio.run(main(Leg.from_command_line()))
