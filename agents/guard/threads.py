"""Context across threads: work that one hands to another stands where it was handed in.

Threads know nothing of the context in which they were started, and Python 3.11 does not announce
them. So `Thread.start` notes it, and the pools of the standard library take it along with every
piece of work: their threads may have been there for long. Whose work comes out of a queue cannot
be known.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import wraps
from multiprocessing.pool import Pool, ThreadPool
from typing import Any

from countersign.agents.guard import contexts
from countersign.agents.guard.context_executor import ContextExecutor
from countersign.agents.guard.contexts import ChatContext, CheckContext, RunContext
from countersign.agents.guard.methods import guard

_OF_POOLS = ("apply_async", "_map_async", "imap", "imap_unordered")


def install() -> None:
    """Take the place along, in this process. Harmless to repeat."""
    guard(threading.Thread, "start", _hand_down)
    guard(ProcessPoolExecutor, "submit", _to_a_process)
    _carry(ThreadPoolExecutor, "submit")
    for name in _OF_POOLS:
        _carry(Pool, name)


def _carry(owner: type, name: str) -> None:
    method = vars(owner)[name]
    if method in _ours:
        return

    @wraps(method)
    def carrying(self: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self, Pool) and not isinstance(self, ThreadPool):
            _to_a_process(self)
        elif args:
            _require_no_program(args[0])
            args = (contexts.in_this_context(args[0]), *args[1:])
        elif "func" in kwargs:
            kwargs["func"] = contexts.in_this_context(kwargs["func"])
        return method(self, *args, **kwargs)

    _ours.add(carrying)
    setattr(owner, name, carrying)


def _require_no_program(work: Any) -> None:
    """`autogen.code_utils.execute_code` starts its programs in a pool."""
    caller = str(sys._getframe(2).f_globals.get("__name__", ""))
    if getattr(work, "__module__", "") == "subprocess" and caller.startswith("autogen."):
        contexts.forbid("start a program", f"by {caller}")


_ours: set[Callable[..., Any]] = set()


def _to_a_process(pool: Any, *_: Any, **__: Any) -> None:
    """Another process knows of no session."""
    if contexts.run_here() is not None:
        contexts.forbid("have another process execute something", f"by a {type(pool).__name__}")


def _hand_down(thread: threading.Thread) -> None:
    """A thread that is about to start stands where its maker does."""
    here = contexts.current()
    is_ours = (
        isinstance(here, RunContext | CheckContext | ChatContext) or here is contexts.EXECUTION
    )
    if is_ours and not _has_own_context(thread):
        setattr(thread, contexts.INHERITED, here)


def _has_own_context(thread: threading.Thread) -> bool:
    """Whether every piece of work of the thread comes with the context of who asked for it."""
    if type(thread).__module__.startswith("anyio."):
        return True
    pool = next(iter(getattr(thread, "_args", None) or ()), None)  # a weak reference, in workers
    return callable(pool) and isinstance(pool(), ContextExecutor)
