"""AutoGen alone: what its group chat costs up to the tool call, and from the tool's turn on.

The same chat with a plain user proxy; nothing is approved, stored or recorded. Every chat is
built before the clock starts. What our legs cost beyond this is ours.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from autogen import Agent, GroupChatManager, UserProxyAgent
from autogen.io.base import IOStream

from bench.measure import Leg, Timer, require, write
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


async def main(leg: Leg) -> None:
    """Run the leg."""
    quiet()
    chats, timer = [_build() for _ in leg.sessions], Timer()
    with IOStream.set_default(NullConsole()):
        if leg.name == "resume":
            for chat in chats:
                await _begin(*chat)
        step = _begin if leg.name == "pause" else _go_on
        timer.start()
        for chat in chats:
            with timer:
                await step(*chat)
        timer.stop()
    require(leg.name == "pause" or Refunds.done == leg.n, "not every refund ran once")
    stored = {"bytes_per_session": 0, "ledger_bytes_per_session": 0, "file_bytes_per_session": 0}
    write(leg, {**timer.figures(), **stored, "versions": {"autogen": version("autogen")}})


if __name__ == "__main__":
    asyncio.run(main(Leg.from_command_line()))
