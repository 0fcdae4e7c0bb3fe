"""Work that Slack is answered about in time, whether it is done by then or not."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ACK_S = 2.0
"""How long Slack's call may wait for us. Source: docs.slack.dev/interactivity/
handling-user-interaction: three seconds, as known in 2026-11."""
DRAIN_S = 5.0
T = TypeVar("T")


class InTime:
    """What is under way."""

    def __init__(self, ack_s: float) -> None:
        self._ack_s = ack_s
        self._running: set[asyncio.Task[Any]] = set()

    async def within(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begun, and done if that takes no longer than Slack may wait."""
        task = self.keep(work)
        await asyncio.wait({task}, timeout=self._ack_s)
        return task

    def keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begun."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def drain(self) -> None:
        """Let what is under way come to its end, but not for long."""
        if self._running:
            await asyncio.wait(list(self._running), timeout=DRAIN_S)
