"""Answers to what people wrote: sent once, after the channel has been answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from countersign.approvals.errors import CountersignError
from countersign.bot.teams.adapter import TeamsAdapter
from countersign.bot.teams.messages import Message
from countersign.bot.teams.wire import IncomingActivity

log = structlog.get_logger()


class Replies:
    """Sends in the background. Requests and progress have deliveries that try again; an answer
    that does not go out is logged."""

    def __init__(self, adapter: TeamsAdapter) -> None:
        self._adapter = adapter
        self._tasks: set[asyncio.Task[None]] = set()

    def reply(self, activity: IncomingActivity, message: Message) -> None:
        """Answer in the conversation of `activity`."""
        self.spawn(self._send(activity, message))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` in the background."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until everything has been sent."""
        while self._tasks:
            # Not `gather`: since Python 3.12 it does not let go of the loop if all have ended, and
            # so they would never be taken out of the set.
            await asyncio.wait(set(self._tasks))

    async def _send(self, activity: IncomingActivity, message: Message) -> None:
        await self._adapter.send(activity.reference, message)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except CountersignError as error:
        log.warning("reply not sent", error=str(error))
