"""A thread pool that hands on the context: work stands where it was handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
_threads: ContextVar[Executor | None] = ContextVar("threads", default=None)


@contextmanager
def blocking_in(threads: Executor) -> Iterator[None]:
    """What the block, and all that it starts, asks of the event loop's own pool (`to_thread`,
    look-ups of names) is done in `threads`."""
    token = _threads.set(threads)
    try:
        yield
    finally:
        _threads.reset(token)


class ContextExecutor(ThreadPoolExecutor):
    """Threads in which work stands where it was handed in: AutoGen asks its models in the event
    loop's own pool, to which asyncio does not hand on the context."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call it in a thread, in a copy of the caller's context."""
        theirs = _threads.get()
        if theirs is not None and theirs is not self:
            return theirs.submit(fn, *args, **kwargs)
        return super().submit(copy_context().run, fn, *args, **kwargs)


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, ContextExecutor] = WeakKeyDictionary()


def carry_context(loop: asyncio.AbstractEventLoop, threads: ContextExecutor | None = None) -> None:
    """Make `run_in_executor(None, …)` hand on the context: in `threads`, or if it does not yet."""
    if threads is not None or loop not in _loops:
        _loops[loop] = threads or ContextExecutor(thread_name_prefix="asyncio")
        loop.set_default_executor(_loops[loop])
