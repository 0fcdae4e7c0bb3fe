"""Bounded concurrency: slots for all sessions, and threads (a lane) for each workflow.

A session that only waits, for a tool that takes long or for a thread, gives its slot to others.
So tools of one workflow that hang keep neither slots nor threads from the sessions of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from countersign.agents.guard.context_executor import ContextExecutor
from countersign.agents.tools import execution
from countersign.agents.tools.late_results import LateResults

T = TypeVar("T")

SESSIONS_AT_ONCE = 32
"""How many sessions are at work in one process; so many built chats of a workflow are kept."""


class Slots:
    """How many sessions may be at work at once."""

    def __init__(self, at_once: int):
        self._free = asyncio.Semaphore(at_once)
        self._at_once, self._taken = at_once, 0

    @property
    def free(self) -> int:
        """How many more."""
        return self._at_once - self._taken

    async def acquire(self) -> None:
        """Wait for one."""
        await self._free.acquire()
        self._taken += 1

    def release(self) -> None:
        """One more is free."""
        self._taken -= 1
        self._free.release()


class Slot:
    """One session's place among those at work; held in `async with` unless it is released."""

    def __init__(self, slots: Slots):
        self._slots, self._held = slots, False

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let another session work meanwhile. Harmless to repeat."""
        if self._held:
            self._held = False
            self._slots.release()

    async def acquire(self) -> None:
        """Have it (again). Harmless to repeat."""
        if not self._held:
            await self._slots.acquire()
            self._hold()

    def _hold(self) -> None:
        if self._held:  # another branch of the session was faster
            self._slots.release()
        self._held = True

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives; where it takes long, the slot is lent meanwhile."""
        task = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=execution.SLOW_S)
            if not done:
                self.release()
                await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            raise
        await self.acquire()
        return task.result()


class Lane:
    """The threads of one workflow: of its sync chats, its tools, and validators."""

    def __init__(self, size: int, late: LateResults):
        self._chats = ContextExecutor(size, thread_name_prefix="session")
        self._places = asyncio.Semaphore(size)
        self.tools = ContextExecutor(size, thread_name_prefix="session-tool")
        """A tool that was given up keeps its thread until it ends by itself."""
        self.arguments = ContextExecutor(size, thread_name_prefix="session-arguments")
        """Where validators run: tools that hang keep no proposal from being read."""
        self.late = late

    async def run_chat(self, chat: Callable[[], T], slot: Slot) -> T:
        """Call it in a thread; where there is none, the slot is lent until there is."""
        if self._places.locked():
            slot.release()
        async with self._places:
            await slot.acquire()
            return await asyncio.get_running_loop().run_in_executor(self._chats, chat)

    def close(self) -> None:
        """Let the threads go; what still runs in them is not waited for."""
        self._chats.shutdown(wait=False, cancel_futures=True)
        self.tools.shutdown(wait=False, cancel_futures=True)
        self.arguments.shutdown(wait=False, cancel_futures=True)


class Lanes:
    """One for each workflow that has been run here."""

    def __init__(self, size: int, late: LateResults):
        self._size, self._late = size, late
        self._lanes: dict[str, Lane] = {}

    def of(self, workflow: str) -> Lane:
        """The workflow's own."""
        if workflow not in self._lanes:
            self._lanes[workflow] = Lane(self._size, self._late)
        return self._lanes[workflow]

    def close(self) -> None:
        """Let all threads go."""
        for lane in self._lanes.values():
            lane.close()
