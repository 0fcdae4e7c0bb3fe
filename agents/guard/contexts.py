"""The context of running code: in a session, inside a claimed execution, or outside of both.

A run of a session carries a `RunContext` in its context, as do the agents of its chat. What would
execute code or a function asks here first (`agents.classic.entries` for AutoGen's ways,
`agents.guard.processes` for the interpreter's) and is refused unless it is part of a claimed
execution. A refusal is kept as well as raised: code that swallows it does not go on for long.

Work that is handed to a pool stands where it was handed in (`agents.guard.threads`). A thread or
task that was there before, and is told nothing, is astray: AutoGen executes nothing in it while
this process runs sessions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import structlog

from countersign.approvals.errors import BesideGateError

log = structlog.get_logger(__name__)

T = TypeVar("T")


class RunContext:
    """One run of a session, and what was tried beside its gate."""

    def __init__(self, session_id: str):
        self.session_id = session_id
        self.refusal: BesideGateError | None = None
        """The first one, which is what the session ends with."""

    @contextmanager
    def on(self) -> Iterator[None]:
        """What runs in this block, and all that it starts, is watched; also after its end."""
        token = _current.set(self)
        _running.append(self)
        try:
            yield
        finally:
            _running.remove(self)
            _current.reset(token)

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
        _notify(True)
        return error


class ChatContext:
    """What an agent belongs to: a built chat, whose runs are watched one after the other."""

    def __init__(self, run_context: RunContext | None = None):
        self.run_context = run_context
        """Of the latest run: also a thread that is left of it is refused."""
        self.is_built = False

    @contextmanager
    def building(self) -> Iterator[None]:
        """Agents that are made in this block belong here."""
        token = _current.set(self)
        try:
            yield
        finally:
            self.is_built = True
            _current.reset(token)

    def adopt(self, agents: Iterable[object]) -> None:
        """Agents that were made elsewhere and are reached from here belong here, too."""
        for agent in agents:
            _chats[agent] = self


class CheckContext:
    """A tool's check or preview: what AutoGen would execute in it is refused, as in the session;
    what a program of its own is for is the workflow's business."""

    def __init__(self, run_context: RunContext):
        self.run_context = run_context


EXECUTION: Final = "execution"
OUTSIDE: Final = "outside"
"""Our own work, between two steps of a session."""
_FREE: Final = ChatContext()
"""Of agents that a tool body made: they do what the tool was approved for."""
INHERITED: Final = "_countersign_context"
Context = RunContext | ChatContext | CheckContext | str | None
_current: ContextVar[Context] = ContextVar("context", default=None)
_chats: WeakKeyDictionary[Any, ChatContext] = WeakKeyDictionary()
_running: list[RunContext] = []
"""The runs that go on in this process now."""
_serving: list[Callable[[bool], None]] = []
"""Who runs sessions in this process, and is told of each refusal."""


@contextmanager
def serving(notify: Callable[[bool], None]) -> Iterator[None]:
    """Sessions are run in this process meanwhile. `notify` is called with each refusal, in whatever
    thread it is, and with whether it is known whose it was."""
    _serving.append(notify)
    try:
        yield
    finally:
        _serving.remove(notify)


def _notify(is_known: bool) -> None:
    for notify in list(_serving):
        notify(is_known)


@contextmanager
def execution() -> Iterator[None]:
    """What runs in this block is part of a claimed execution."""
    token = _current.set(EXECUTION)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def outside() -> Iterator[None]:
    """What runs in this block is our own work: what it starts is not the session's."""
    token = _current.set(OUTSIDE)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def checking(run_context: RunContext) -> Iterator[None]:
    """What runs in this block is part of a check or preview; the run keeps what is refused."""
    token = _current.set(CheckContext(run_context))
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Context:
    """Where the caller stands; a thread stands where it was started, if it was not told more."""
    return _current.get() or getattr(threading.current_thread(), INHERITED, None)


def run_of(agent: object = None) -> RunContext | None:
    """The run that the caller, or else the agent, is part of; None inside a claimed execution."""
    here = current()
    if isinstance(here, CheckContext):
        return here.run_context
    if isinstance(here, RunContext) or here is EXECUTION:
        return here if isinstance(here, RunContext) else None
    chat_context = None if agent is None else _chats.get(agent)
    if chat_context is not None and chat_context.run_context is not None:
        return chat_context.run_context
    return here.run_context if isinstance(here, ChatContext) else None


def run_here() -> RunContext | None:
    """The run that the caller is part of, for programs and code that have nothing to do with
    AutoGen: a check may use them to look, and what a workflow began when it was built goes on."""
    here = current()
    return here if isinstance(here, RunContext) else None


def is_astray() -> bool:
    """Whether nobody knows whose work the caller does, in a process that runs sessions."""
    if not (_serving or _running):
        return False
    here = current()
    return here is None or (isinstance(here, ChatContext) and here.is_built)


def is_free(agent: object = None) -> bool:
    """Whether AutoGen may execute here, for this agent."""
    return run_of(agent) is None and not is_astray()


def forbid(tried: str, how: str, agent: object = None) -> None:
    """Return where `is_free`. Raises BesideGateError."""
    name, run_context = str(getattr(agent, "name", "") or "The workflow"), run_of(agent)
    if run_context is not None:
        raise run_context.refuse(name, tried, how)
    if is_astray():
        raise _astray(
            name, tried, f"{how}, in a thread or task of which it is not known whose it is"
        )


def _astray(agent: str, tried: str, how: str) -> BesideGateError:
    running = list(_running)
    if 1 == len(running):
        return running[0].refuse(agent, tried, f"{how}; no other session was running")
    ids = [run_context.session_id for run_context in running]
    log.error("refused beside the gate", running=ids, agent=agent, tried=tried, how=how)
    _notify(False)
    return BesideGateError(agent, tried, how)


def made(agent: object) -> None:
    """A new agent belongs where it is made."""
    here = current()
    if isinstance(here, CheckContext):
        here = here.run_context
    if isinstance(here, ChatContext):
        _chats[agent] = here
    elif isinstance(here, RunContext):
        _chats[agent] = ChatContext(here)
    elif here is EXECUTION:
        _chats[agent] = _FREE


def in_this_context(work: Callable[..., T]) -> Callable[..., T]:
    """The same work, for a thread that was there before: it stands where it was handed in."""
    here = current()

    def inside(*args: Any, **kwargs: Any) -> T:
        thread = threading.current_thread()
        before = getattr(thread, INHERITED, None)
        setattr(thread, INHERITED, here)
        token = _current.set(here)
        try:
            return work(*args, **kwargs)
        finally:
            _current.reset(token)
            setattr(thread, INHERITED, before)

    return inside
