"""OpenAI Agents SDK: a tool with `needs_approval`, its `RunState` as JSON.

Source: https://openai.github.io/openai-agents-python/human_in_the_loop/

Its top-level package is called `agents`, as a folder here is; its own is found in its environment.
"""

# Its packages are installed in its own environment only, so mypy sees Any, or our `agents`.
# mypy: disable-error-code="import-not-found, import-untyped, attr-defined, misc"

from __future__ import annotations

import asyncio
import json
from importlib.metadata import version
from typing import Any

from agents.items import ModelResponse  # noqa: TID251
from agents.models.interface import Model  # noqa: TID251
from agents.usage import Usage  # noqa: TID251
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

from agents import (  # noqa: TID251 - of openai-agents, in its own environment
    Agent,
    Runner,
    RunState,
    function_tool,
    set_tracing_disabled,
)
from bench.measure import Leg, StateTable, Timer, report, require
from bench.payload import ANSWER, ARGUMENTS, CALL_ID, SYSTEM, TASK, TOOL, Refunds, refund


class Stub(Model):
    """A model that asks for the refund, and says so once it has the result."""

    async def get_response(
        self, system_instructions: Any, input: Any, *_: Any, **__: Any
    ) -> ModelResponse:
        """The next step of the job."""
        last = input[-1] if isinstance(input, list) else None
        output: Any
        if isinstance(last, dict) and last.get("type") == "function_call_output":
            text = ResponseOutputText(text=ANSWER, type="output_text", annotations=[])
            output = ResponseOutputMessage(
                id="m1", type="message", role="assistant", status="completed", content=[text]
            )
        else:
            output = ResponseFunctionToolCall(
                id="f1",
                call_id=CALL_ID,
                type="function_call",
                name=TOOL,
                arguments=json.dumps(ARGUMENTS),
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> Any:
        """Not used."""
        raise NotImplementedError


async def pause(agent: Any, states: StateTable, session_id: str) -> None:
    """Run until the agent waits for a person, and keep its state."""
    result = await Runner.run(agent, TASK)
    require(result.interruptions, "the agent did not stop for a person")
    states.pause(session_id, result.to_state().to_string())


async def resume(agent: Any, states: StateTable, session_id: str) -> None:
    """Approve what waits, run to the end, and keep the state."""
    state = await RunState.from_string(agent, states.load(session_id))
    for interruption in state.get_interruptions():
        state.approve(interruption)
    result = await Runner.run(agent, state)
    require(result.final_output == ANSWER, "the agent did not finish")
    states.finish(session_id, result.to_state().to_string())


async def main(leg: Leg) -> None:
    """Run the leg."""
    set_tracing_disabled(True)
    guarded = function_tool(needs_approval=True)(refund)
    agent = Agent(name="ops", instructions=SYSTEM, model=Stub(), tools=[guarded])
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
    report(leg, timer, versions={"openai-agents": version("openai-agents")})


if __name__ == "__main__":
    asyncio.run(main(Leg.from_command_line()))
