"""Reachability: agents and code that a chat holds, wherever it holds them.

A nested chat can stand in a closure, a `functools.partial`, a bound method, an attribute of an
object, any container, or a global name of a reply function. What the tools of an ApprovalProxy
hold is theirs: it runs only as part of an execution.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from autogen import ConversableAgent
from autogen.tools import Tool

from countersign.agents.guard.harmless import closure, is_plain, used
from countersign.agents.guard.libraries import (
    AUTOGEN,
    OURS,
    belongs_to_workflows,
    is_a_librarys,
    package_of,
)
from countersign.agents.tools.permit import SealedTool

MOST = 20_000
"""Things that are looked at. A chat that holds more is not known to be plain."""


@dataclass
class Reach:
    """What was found."""

    agents: list[ConversableAgent] = field(default_factory=list)
    """Each once, in the order in which they were found."""
    executors: list[object] = field(default_factory=list)
    """Code executors, of AutoGen's or any other class that looks like one."""
    code: list[str] = field(default_factory=list)
    """Functions and classes of the workflow's that are not plainly harmless, by name."""


def reach(roots: Iterable[object]) -> Reach:
    """Everything that can be reached from the agents of a chat.

    What is registered with an agent is the workflow's own, wherever it is installed.
    """
    starts = list(roots)
    found = _reach(starts)
    while belongs_to_workflows(_registered(found.agents)):
        found = _reach(starts)
    return found


def _registered(agents: Iterable[Any]) -> Iterator[str]:
    """The modules of what the agents are made of."""
    for agent in agents:
        hooks = [hook for each in agent.hook_lists.values() for hook in each]
        replies = [part for entry in agent._reply_func_list for part in entry.values()]
        for thing in (type(agent), agent._is_termination_msg, *hooks, *replies):
            while isinstance(thing, partial):
                thing = thing.func
            code = thing if callable(thing) and hasattr(thing, "__qualname__") else type(thing)
            yield code.__module__ or ""


def _reach(roots: Iterable[object]) -> Reach:
    found, seen, waiting = Reach(), dict[int, Any](), deque[Any](roots)
    while waiting:
        thing = waiting.popleft()
        if id(thing) in seen or isinstance(thing, _LEAVES):
            continue
        if len(seen) >= MOST:
            found.code.append(f"more than {MOST} objects")
            break
        seen[id(thing)] = thing  # kept, so that no other object gets its id
        if _is_an_agent(thing):
            found.agents.append(thing)
        elif hasattr(type(thing), "execute_code_blocks"):
            found.executors.append(thing)
        code = thing if isinstance(thing, FunctionType) else type(thing)
        if _is_the_workflows(code) and not is_plain(code):
            found.code.append(f"{code.__module__}.{code.__qualname__}")
        waiting.extend(_held(thing))
    return found


def _is_an_agent(thing: Any) -> bool:
    """`isinstance`, which looks for every attribute of AutoGen's protocols in each object."""
    return ConversableAgent in thing.__class__.__mro__


_LEAVES = (str, bytes, int, float, bool, type(None), type, ModuleType, SealedTool, Tool)


def _held(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Mapping):
        yield from list(thing.keys())
        yield from list(thing.values())
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        yield from list(thing)
    elif isinstance(thing, partial):
        yield from (thing.func, thing.args, thing.keywords)
    elif inspect.ismethod(thing):
        yield from (thing.__func__, thing.__self__)
    elif isinstance(thing, FunctionType):
        yield from _held_by_function(thing)
    elif not is_a_librarys(type(thing).__module__):
        yield from list(getattr(thing, "__dict__", {}).values())
        for owner in type(thing).__mro__:
            for name in _slots(owner):
                yield getattr(thing, name, None)


def _held_by_function(function: FunctionType) -> Iterator[Any]:
    yield from closure(function)
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    if _is_the_workflows(function):
        # Values only: what a function calls is read by `is_plain`, and may be a tool's body.
        yield from (value for value in used(function) if not callable(value))


def _slots(owner: type) -> Iterable[str]:
    slots = vars(owner).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots


def _is_the_workflows(code: Any) -> bool:
    module = getattr(code, "__module__", None) or ""
    return package_of(module) not in _NOT_THEIRS and not is_a_librarys(module)


_NOT_THEIRS = OURS | {AUTOGEN}
