"""The context of running code: in a session, inside a claimed execution, or outside of both.

A run of a session carries a `Watch` in its context, as do the agents of its chat. Whatever would
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
        _running.append(self)
        try:
            yield
        finally:
            _running.remove(self)
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
        _notify(True)
        return error


class Home:
    """What an agent belongs to: a built chat, whose runs are watched one after the other."""

    def __init__(self, watch: Watch | None = None):
        self.watch = watch
        """Of the latest run: also a thread that is left of it is refused."""
        self.is_built = False

    @contextmanager
    def building(self) -> Iterator[None]:
        """Agents that are made in this block belong here."""
        token = _place.set(self)
        try:
            yield
        finally:
            self.is_built = True
            _place.reset(token)

    def adopt(self, agents: Iterable[object]) -> None:
        """Agents that were made elsewhere and are reached from here belong here, too."""
        for agent in agents:
            _homes[agent] = self


class Checking:
    """A tool's check or preview: what AutoGen would execute in it is refused, as in the session;
    what a program of its own is for is the workflow's business."""

    def __init__(self, watch: Watch):
        self.watch = watch


EXECUTION: Final = "execution"
OUTSIDE: Final = "outside"
"""Our own work, between two steps of a session."""
_FREE: Final = Home()
"""Of agents that a tool body made: they do what the tool was approved for."""
INHERITED: Final = "_countersign_place"
Place = Watch | Home | Checking | str | None
_place: ContextVar[Place] = ContextVar("place", default=None)
_homes: WeakKeyDictionary[Any, Home] = WeakKeyDictionary()
_running: list[Watch] = []
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
    token = _place.set(EXECUTION)
    try:
        yield
    finally:
        _place.reset(token)


@contextmanager
def outside() -> Iterator[None]:
    """What runs in this block is our own work: what it starts is not the session's."""
    token = _place.set(OUTSIDE)
    try:
        yield
    finally:
        _place.reset(token)


@contextmanager
def checking(watch: Watch) -> Iterator[None]:
    """What runs in this block is part of a check or preview; `watch` keeps what is refused."""
    token = _place.set(Checking(watch))
    try:
        yield
    finally:
        _place.reset(token)


def place() -> Place:
    """Where the caller stands; a thread stands where it was started, if it was not told more."""
    return _place.get() or getattr(threading.current_thread(), INHERITED, None)


def watching(agent: object = None) -> Watch | None:
    """The run that the caller, or else the agent, is part of; None inside a claimed execution."""
    here = place()
    if isinstance(here, Checking):
        return here.watch
    if isinstance(here, Watch) or here is EXECUTION:
        return here if isinstance(here, Watch) else None
    home = None if agent is None else _homes.get(agent)
    if home is not None and home.watch is not None:
        return home.watch
    return here.watch if isinstance(here, Home) else None


def starting() -> Watch | None:
    """The run that the caller is part of, for programs and code that have nothing to do with
    AutoGen: a check may use them to look, and what a workflow began when it was built goes on."""
    here = place()
    return here if isinstance(here, Watch) else None


def is_astray() -> bool:
    """Whether nobody knows whose work the caller does, in a process that runs sessions."""
    if not (_serving or _running):
        return False
    here = place()
    return here is None or (isinstance(here, Home) and here.is_built)


def is_free(agent: object = None) -> bool:
    """Whether AutoGen may execute here, for this agent."""
    return watching(agent) is None and not is_astray()


def forbid(tried: str, how: str, agent: object = None) -> None:
    """Return where `is_free`. Raises BesideGateError."""
    name, watch = str(getattr(agent, "name", "") or "The workflow"), watching(agent)
    if watch is not None:
        raise watch.refuse(name, tried, how)
    if is_astray():
        raise _astray(
            name, tried, f"{how}, in a thread or task of which it is not known whose it is"
        )


def _astray(agent: str, tried: str, how: str) -> BesideGateError:
    running = list(_running)
    if 1 == len(running):
        return running[0].refuse(agent, tried, f"{how}; no other session was running")
    ids = [watch.session_id for watch in running]
    log.error("refused beside the gate", running=ids, agent=agent, tried=tried, how=how)
    _notify(False)
    return BesideGateError(agent, tried, how)


def made(agent: object) -> None:
    """A new agent belongs where it is made."""
    here = place()
    if isinstance(here, Checking):
        here = here.watch
    if isinstance(here, Home):
        _homes[agent] = here
    elif isinstance(here, Watch):
        _homes[agent] = Home(here)
    elif here is EXECUTION:
        _homes[agent] = _FREE


def standing_here(work: Callable[..., T]) -> Callable[..., T]:
    """The same work, for a thread that was there before: it stands where it was handed in."""
    here = place()

    def standing(*args: Any, **kwargs: Any) -> T:
        thread = threading.current_thread()
        before = getattr(thread, INHERITED, None)
        setattr(thread, INHERITED, here)
        token = _place.set(here)
        try:
            return work(*args, **kwargs)
        finally:
            _place.reset(token)
            setattr(thread, INHERITED, before)

    return standing
