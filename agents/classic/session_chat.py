"""A built chat as one session runs it, from its start or its last pause to the next or its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from autogen import ChatResult
from autogen.io.base import IOStream
from typing_extensions import override

from countersign.agents.classic import chat_runner, side_chat
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.built_parallel import BuiltParallel
from countersign.agents.classic.chat_errors import translated
from countersign.agents.classic.chat_run import ChatRun
from countersign.agents.classic.endings import ending_of
from countersign.agents.classic.null_console import NullConsole
from countersign.agents.classic.progress import ChatProgress
from countersign.agents.gate import Gate
from countersign.agents.guard.contexts import ChatContext
from countersign.agents.parallel.parallel_chat import ParallelChat
from countersign.agents.ports import Position, Progress, Runner
from countersign.agents.session_chat import Ended, SessionChat
from countersign.agents.side_gate import Exchange, SideGate
from countersign.agents.values.effective import ToolParameters
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import ChatState, StoredChat


class ClassicChat(SessionChat):
    """A chat of the classic AutoGen in one run."""

    def __init__(self, built: BuiltChat):
        self.built = built
        self._progress = ChatProgress(built.chat)

    @property
    @override
    def tools(self) -> Mapping[str, ToolParameters]:
        return self.built.tools

    @property
    @override
    def offered(self) -> Mapping[str, frozenset[str]]:
        return self.built.offered

    @property
    @override
    def runners(self) -> Sequence[Runner]:
        return self.built.runners

    @property
    @override
    def chat_context(self) -> ChatContext:
        return self.built.chat_context

    @property
    @override
    def progress(self) -> Progress:
        return self._progress

    @override
    def state(self, waiting: str, turn: int) -> ChatState:
        return self.built.state(waiting, turn)

    @override
    def restore(self, state: StoredChat) -> Position:
        return self.built.restore(state)

    @override
    async def begin(self, gate: Gate, task: str) -> Ended:
        built = self.built

        async def play(run: ChatRun) -> ChatResult:
            if built.mode == "sync":
                return await run.steps.run(chat_runner.begin, built, task)
            return await chat_runner.a_begin(built, task)

        return await self._played(gate, play)

    @override
    async def resume(self, gate: Gate, waiting: str) -> Ended:
        built, proxy = self.built, self.built.proxy(waiting)
        if proxy is None:
            raise IntegrityError(f"The chat has no user proxy {waiting}.")

        async def play(run: ChatRun) -> ChatResult:
            if built.mode == "sync":
                return await run.steps.run(chat_runner.resume, built, proxy)
            return await chat_runner.a_resume(built, proxy)

        return await self._played(gate, play)

    @override
    async def consult(self, gate: SideGate, agent: str, exchanges: Sequence[Exchange]) -> str:
        return await side_chat.consult(self.built, gate, agent, exchanges)

    async def _played(self, gate: Gate, play: Callable[[ChatRun], Awaitable[ChatResult]]) -> Ended:
        built, console = self.built, NullConsole(self.built.chat)
        run = ChatRun(built.chat, built.group, built.answer_log, gate)
        for proxy in built.proxies:
            proxy.attach(run)
        try:
            with translated(), IOStream.set_default(console):
                result = await play(run)
        finally:
            run.steps.close()
        ending = ending_of(
            built.chat,
            stopped=gate.stopped,
            reasons=console.reasons(),
            model=built.answer_log.last,
            left=run.unanswered(),
            tools=built.tools,
            proxies={proxy.name for proxy in built.proxies},
            rounds=built.rounds,
        )
        return Ended(ending, result.cost["usage_including_cached_inference"])


def parallel_of(built: BuiltParallel) -> ParallelChat:
    """Chats that work side by side, as one session runs them."""
    branches = {name: ClassicChat(chat) for name, chat in built.branches.items()}
    return ParallelChat(branches, None if built.then is None else ClassicChat(built.then))
