"""A sync chat runs in a thread; each step of its gate is taken on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from countersign.agents.gate import Gate
from countersign.agents.suspension import ChatStoppedError
from countersign.approvals.errors import LostLeaseError

T = TypeVar("T")


class SyncSteps:
    """The steps of one run. Made on the event loop."""

    def __init__(self, gate: Gate):
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._step: Future[Any] | None = None
        self._closed = False

    async def run(self, chat: Callable[..., T], *arguments: Any) -> T:
        """Run a sync chat in a thread. Its exceptions come back as values: see `tools.execution`.

        Raises LostLeaseError if the chat was stopped.
        """

        def guarded() -> T | BaseException:
            try:
                return chat(*arguments)
            except BaseException as exc:
                return exc

        ended = await self._gate.in_thread(partial(copy_context().run, guarded))
        if isinstance(ended, ChatStoppedError):
            raise LostLeaseError("The chat was stopped.")
        if isinstance(ended, BaseException):
            raise ended
        return ended

    def call(self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a step on the event loop and wait for it in the chat's thread."""
        if threading.get_ident() == self._loop_thread:
            raise RuntimeError(
                "A sync chat was started on the event loop, where waiting would stop everything. "
                'Declare the workflow with mode="sync", or use the a_… methods of AutoGen.'
            )
        if self._closed:
            raise ChatStoppedError
        future = asyncio.run_coroutine_threadsafe(step(), self._loop)
        self._step = future
        try:
            return future.result()
        except CancelledError:
            raise ChatStoppedError from None

    def close(self) -> None:
        """No further step: what the chat's thread may still try after the run is over."""
        self._closed = True
        if self._step is not None:
            self._step.cancel()
