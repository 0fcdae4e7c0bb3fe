"""LangGraph: `create_agent` with its human-in-the-loop middleware and the SQLite checkpointer.

Source: https://docs.langchain.com/oss/python/langchain/human-in-the-loop and, for `durability`,
https://docs.langchain.com/oss/python/langgraph/durable-execution
"""

# Its packages are installed in its own environment only, so mypy sees Any everywhere.
# mypy: disable-error-code="import-not-found, misc, untyped-decorator"

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from bench.measure import require
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


class Side:
    """One agent on its checkpoints; `DURABILITY` is passed on when it is set."""

    versions: ClassVar[dict[str, str]] = {
        "langgraph": version("langgraph"),
        "langchain": version("langchain"),
    }

    def __init__(self, connection: sqlite3.Connection):
        saver = SqliteSaver(connection)
        saver.setup()
        connection.execute("PRAGMA synchronous=FULL")
        durability = os.environ.get("DURABILITY")
        self._options = {"durability": durability} if durability else {}
        self._refunds = 0
        self._agent = create_agent(
            Stub(),
            tools=[tool(refund)],
            system_prompt=SYSTEM,
            middleware=[HumanInTheLoopMiddleware(interrupt_on={TOOL: True})],
            checkpointer=saver,
        )

    def ready(self, _: str, __: int) -> None:
        """Count the refunds of the block that comes."""
        self._refunds = Refunds.done

    def pause(self, number: int) -> None:
        """Run until the agent waits for a person."""
        task = {"messages": [{"role": "user", "content": TASK}]}
        state = self._agent.invoke(task, _config(number), **self._options)
        require(state["__interrupt__"], "the agent did not stop for a person")

    def resume(self, number: int) -> None:
        """Approve what waits, and run to the end."""
        approval = Command(resume={"decisions": [{"type": "approve"}]})
        state = self._agent.invoke(approval, _config(number), **self._options)
        require(state["messages"][-1].content == ANSWER, "the agent did not finish")

    def done(self, leg: str, n: int) -> None:
        """Raises BenchError unless the job was done."""
        ran = Refunds.done - self._refunds
        require(ran == (n if leg == "resume" else 0), "not every refund ran once")


def _config(number: int) -> dict[str, Any]:
    return {"configurable": {"thread_id": f"t{number}"}}


@contextmanager
def opened(database: Path) -> Iterator[Side]:
    """The agent on this database."""
    connection = sqlite3.connect(database, check_same_thread=False)
    yield Side(connection)
    connection.close()
