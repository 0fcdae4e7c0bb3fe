"""Where running code stands: in a session, inside a claimed execution, or outside of both.

A run of a session carries a `Watch` in its context, as do the agents of its chat. Whatever would
execute code or a function asks here first (`agents.entries` for AutoGen's ways,
`agents.processes` for the interpreter's) and is refused unless it is part of a claimed execution.
A refusal is kept as well as raised: code that swallows it does not go on for long.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import structlog

from approvals.errors import BesideGateError

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Watch:
    """One run of a session, and what was tried beside its gate."""

    def __init__(self, session_id: str):
        self.session_id = session_id
        self.refusal: BesideGateError | None = None
        """The first one, which is what the session ends with."""

    @contextmanager
    def on(self) -> Iterator[None]:
        """What runs in this block, and all that it starts, is watched; also after its end."""
        token = _place.set(self)
        try:
            yield
        finally:
            _place.reset(token)

    def require(self) -> None:
        """Return if nothing was refused so far. Raises the BesideGateError that was."""
        if self.refusal is not None:
            raise self.refusal

    def refuse(self, agent: str, tried: str, how: str) -> BesideGateError:
        """The refusal of this attempt, kept if it is the first."""
        error = BesideGateError(agent, tried, how)
        if self.refusal is None:
            self.refusal = error
        log.error(
            "refused beside the gate",
            session_id=self.session_id,
            agent=agent,
            tried=tried,
            how=how,
        )
        return error


class Home:
    """What an agent belongs to: a built chat, whose runs are watched one after the other."""

    def __init__(self, watch: Watch | None = None):
        self.watch = watch
        """Of the latest run: also a thread that is left of it is refused."""

    @contextmanager
    def building(self) -> Iterator[None]:
        """Agents that are made in this block belong here."""
        token = _place.set(self)
        try:
            yield
        finally:
            _place.reset(token)

    def adopt(self, agents: Iterable[object]) -> None:
        """Agents that were made elsewhere and are reached from here belong here, too."""
        for agent in agents:
            _homes[agent] = self


class Looking:
    """A tool's check or preview: what AutoGen would execute in it is refused, as in the session;
    what a program of its own is for is the workflow's business."""

    def __init__(self, watch: Watch):
        self.watch = watch


EXECUTION: Final = "execution"
_FREE: Final = Home()
"""Of agents that a tool body made: they do what the tool was approved for."""
_INHERITED: Final = "_countersign_place"
Place = Watch | Home | Looking | str | None
_place: ContextVar[Place] = ContextVar("place", default=None)
_threads: ContextVar[Executor | None] = ContextVar("threads", default=None)
_homes: WeakKeyDictionary[Any, Home] = WeakKeyDictionary()


@contextmanager
def execution() -> Iterator[None]:
    """What runs in this block is part of a claimed execution."""
    token = _place.set(EXECUTION)
    try:
        yield
    finally:
        _place.reset(token)


@contextmanager
def blocking_in(threads: Executor) -> Iterator[None]:
    """What the block, and all that it starts, asks of the event loop's own pool (`to_thread`,
    look-ups of names) is done in `threads`."""
    token = _threads.set(threads)
    try:
        yield
    finally:
        _threads.reset(token)


@contextmanager
def outside() -> Iterator[None]:
    """What runs in this block is our own work: what it starts is not the session's."""
    token = _place.set(None)
    try:
        yield
    finally:
        _place.reset(token)


@contextmanager
def looking(watch: Watch) -> Iterator[None]:
    """What runs in this block is part of a check or preview; `watch` keeps what is refused."""
    token = _place.set(Looking(watch))
    try:
        yield
    finally:
        _place.reset(token)


def place() -> Place:
    """Where the caller stands; a thread stands where it was started, if it was not told more."""
    return _place.get() or getattr(threading.current_thread(), _INHERITED, None)


def watching(agent: object = None) -> Watch | None:
    """The run that the caller, or else the agent, is part of; None inside a claimed execution."""
    here = place()
    if isinstance(here, Looking):
        return here.watch
    if isinstance(here, Watch) or here is EXECUTION:
        return here if isinstance(here, Watch) else None
    home = None if agent is None else _homes.get(agent)
    return None if home is None else home.watch


def starting() -> Watch | None:
    """`watching`, for programs and code that have nothing to do with AutoGen: a check may use them
    to look."""
    return None if isinstance(place(), Looking) else watching()


def forbid(tried: str, how: str, agent: object = None) -> None:
    """Return outside of sessions and inside claimed executions. Raises BesideGateError."""
    watch = watching(agent)
    if watch is not None:
        raise watch.refuse(str(getattr(agent, "name", "") or "The workflow"), tried, how)


def made(agent: object) -> None:
    """A new agent belongs where it is made."""
    here = place()
    if isinstance(here, Looking):
        here = here.watch
    if isinstance(here, Home):
        _homes[agent] = here
    elif here is not None:
        _homes[agent] = Home(here) if isinstance(here, Watch) else _FREE


def hand_down(thread: threading.Thread) -> None:
    """A thread that is about to start stands where its maker does."""
    here = place()
    told = isinstance(here, Watch | Looking) or here is EXECUTION
    if told and not _told_more(thread):
        setattr(thread, _INHERITED, here)


def _told_more(thread: threading.Thread) -> bool:
    """Whether every piece of work of the thread comes with the context of who asked for it."""
    if type(thread).__module__.startswith("anyio."):
        return True
    pool = next(iter(getattr(thread, "_args", None) or ()), None)  # a weak reference, in workers
    return callable(pool) and isinstance(pool(), ContextExecutor)


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
