"""AutoGen alone: what its group chat costs up to the tool call, and from the tool's turn on.

The same chat with a plain user proxy; nothing is approved, stored or recorded. The chats of a
block are built before its clock starts. What our legs cost beyond this is ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from autogen import Agent, GroupChatManager, UserProxyAgent
from autogen.io.base import IOStream

from bench.measure import require
from bench.ours.stack import quiet
from bench.ours.workflows import LLM_CONFIG, assistant_for, manager_of
from bench.payload import ANSWER, TASK, TOOL, Refunds, refund
from countersign.agents.classic.null_console import NullConsole


class _Stopped(BaseException):
    """Unwinds the chat at the tool call, as a gate does."""


class _Proxy(UserProxyAgent):
    stops = True

    async def stop(
        self, messages: Any = None, sender: Agent | None = None, config: Any = None
    ) -> Any:
        """Unwind the chat if the last message asks for a tool."""
        if self.stops and (messages or self._oai_messages[sender])[-1].get("tool_calls"):
            raise _Stopped
        return False, None


def _build() -> tuple[_Proxy, GroupChatManager]:
    proxy = _Proxy(
        "gatekeeper",
        human_input_mode="NEVER",
        code_execution_config=False,
        description="executes tools",
    )
    proxy.register_for_execution(name=TOOL)(refund)
    proxy.register_reply([Agent, None], _Proxy.stop, position=0, ignore_async_in_sync_chat=True)
    return proxy, manager_of(proxy, assistant_for(LLM_CONFIG))


async def _begin(proxy: _Proxy, manager: GroupChatManager) -> None:
    try:
        await proxy.a_initiate_chat(manager, message=TASK, silent=True)
    except _Stopped:
        return
    require(False, "the chat did not reach the tool call")


async def _go_on(proxy: _Proxy, manager: GroupChatManager) -> None:
    proxy.stops = False
    reply = await proxy.a_generate_reply(sender=manager)
    require(reply, "the tool gave no reply")
    await proxy.a_send(reply or "", manager, request_reply=False, silent=True)
    group, last = manager.groupchat, manager.last_message(proxy)
    require(last, "the tool's reply did not arrive")
    await manager.a_run_chat([last or {}], proxy, group)
    require(group.messages[-1]["content"] == ANSWER, "the chat did not finish")


class Side:
    """Chats of this process, which keeps nothing of them."""

    stores = False
    versions: ClassVar[dict[str, str]] = {"autogen": version("autogen")}

    def __init__(self) -> None:
        self._new: deque[tuple[_Proxy, GroupChatManager]] = deque()
        self._paused: deque[tuple[_Proxy, GroupChatManager]] = deque()
        self._refunds = 0

    def ready(self, leg: str, n: int) -> None:
        """Build the chats that begin, and count the refunds of the block that comes."""
        self._refunds = Refunds.done
        if leg == "pause":
            self._new.extend(_build() for _ in range(n))

    async def pause(self, _: int) -> None:
        """From the task to the tool call."""
        chat = self._new.popleft()
        await _begin(*chat)
        self._paused.append(chat)

    async def resume(self, _: int) -> None:
        """From the tool's turn to the end."""
        await _go_on(*self._paused.popleft())

    def done(self, leg: str, n: int) -> None:
        """Raises BenchError unless the job was done."""
        ran = Refunds.done - self._refunds
        require(ran == (n if leg == "resume" else 0), "not every refund ran once")


@asynccontextmanager
async def opened(_: Path) -> AsyncIterator[Side]:
    """Nothing is kept, so there is no database."""
    quiet()
    with IOStream.set_default(NullConsole()):
        yield Side()
