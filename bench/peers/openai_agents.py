"""OpenAI Agents SDK: a tool with `needs_approval`, its `RunState` as JSON.

Source: https://openai.github.io/openai-agents-python/human_in_the_loop/

Its top-level package is called `agents`, as a folder here is; its own is found in its environment.
"""

# Its packages are installed in its own environment only, so mypy sees Any, or our `agents`.
# mypy: disable-error-code="import-not-found, import-untyped, attr-defined, misc"

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

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
from bench.measure import StateTable, require
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


class Side:
    """One agent, and a row for each of its sessions."""

    versions: ClassVar[dict[str, str]] = {"openai-agents": version("openai-agents")}

    def __init__(self, states: StateTable):
        self._states, self._refunds = states, 0
        guarded = function_tool(needs_approval=True)(refund)
        self._agent = Agent(name="ops", instructions=SYSTEM, model=Stub(), tools=[guarded])

    def ready(self, _: str, __: int) -> None:
        """Count the refunds of the block that comes."""
        self._refunds = Refunds.done

    async def pause(self, number: int) -> None:
        """Run until the agent waits for a person, and keep its state."""
        result = await Runner.run(self._agent, TASK)
        require(result.interruptions, "the agent did not stop for a person")
        self._states.pause(f"t{number}", result.to_state().to_string())

    async def resume(self, number: int) -> None:
        """Approve what waits, run to the end, and keep the state."""
        state = await RunState.from_string(self._agent, self._states.load(f"t{number}"))
        for interruption in state.get_interruptions():
            state.approve(interruption)
        result = await Runner.run(self._agent, state)
        require(result.final_output == ANSWER, "the agent did not finish")
        self._states.finish(f"t{number}", result.to_state().to_string())

    def done(self, leg: str, n: int) -> None:
        """Raises BenchError unless the job was done."""
        ran = Refunds.done - self._refunds
        require(ran == (n if leg == "resume" else 0), "not every refund ran once")


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[Side]:
    """The agent on this database."""
    set_tracing_disabled(True)
    states = StateTable(database)
    yield Side(states)
    states.connection.close()
