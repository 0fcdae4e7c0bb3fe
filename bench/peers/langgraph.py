"""LangGraph: `create_agent` with its human-in-the-loop middleware and the SQLite checkpointer.

Source: https://docs.langchain.com/oss/python/langchain/human-in-the-loop and, for `durability`,
https://docs.langchain.com/oss/python/langgraph/durable-execution
"""

# Its packages are installed in its own environment only, so mypy sees Any everywhere.
# mypy: disable-error-code="import-not-found, misc, untyped-decorator"

from __future__ import annotations

import os
import sqlite3
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from bench.measure import Leg, Timer, report, require
from bench.payload import ANSWER, ARGUMENTS, CALL_ID, SYSTEM, TASK, TOOL, Refunds, refund


class Stub(BaseChatModel):
    """A model that asks for the refund, and says so once it has the result."""

    @property
    def _llm_type(self) -> str:
        return "stub"

    def bind_tools(self, tools: Any, **_: Any) -> Stub:
        """Itself: it knows its tool."""
        return self

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        if isinstance(messages[-1], ToolMessage):
            message = AIMessage(content=ANSWER)
        else:
            call = {"name": TOOL, "args": ARGUMENTS, "id": CALL_ID}
            message = AIMessage(content="", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])


def build(database: Path) -> Any:
    """The agent, on its checkpoints."""
    connection = sqlite3.connect(database, check_same_thread=False)
    saver = SqliteSaver(connection)
    saver.setup()
    connection.execute("PRAGMA synchronous=FULL")
    return create_agent(
        Stub(),
        tools=[tool(refund)],
        system_prompt=SYSTEM,
        middleware=[HumanInTheLoopMiddleware(interrupt_on={TOOL: True})],
        checkpointer=saver,
    )


def main(leg: Leg) -> None:
    """Run the leg; `DURABILITY` is passed on when it is set."""
    durability = os.environ.get("DURABILITY")
    options = {"durability": durability} if durability else {}
    agent = build(leg.database)
    timer = Timer()
    timer.start()
    for i in leg.sessions:
        with timer:
            config = {"configurable": {"thread_id": f"t{i}"}}
            if leg.name == "pause":
                task = {"messages": [{"role": "user", "content": TASK}]}
                state = agent.invoke(task, config, **options)
                require(state["__interrupt__"], "the agent did not stop for a person")
            else:
                approval = Command(resume={"decisions": [{"type": "approve"}]})
                state = agent.invoke(approval, config, **options)
                require(state["messages"][-1].content == ANSWER, "the agent did not finish")
    timer.stop()
    require(leg.name == "pause" or Refunds.done == leg.n, "not every refund ran once")
    report(leg, timer, versions={"langgraph": version("langgraph")})


if __name__ == "__main__":
    main(Leg.from_command_line())
