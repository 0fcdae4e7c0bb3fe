"""The baseline of a built chat: its state when new, to which it is reset for the next session.

The record is taken by walking over everything that can be reached, not from a list of known
attributes: an attribute that a new AutoGen, or a subclass in a workflow, adds is reset as well.
Objects of other libraries (model clients, connections) are shared on purpose and left alone.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from autogen import ConversableAgent, GroupChat

from countersign.agents.classic import container_reset
from countersign.agents.guard.libraries import package_of

_OURS = frozenset({"autogen", "countersign.agents"})
_SCALARS = (str, int, float, bool, type(None))


class Baseline:
    """The state of a freshly built chat. Keep it as long as the chat; reset as often as needed."""

    def __init__(self, agents: Sequence[ConversableAgent], packages: Iterable[str] = ()):
        self._packages = _OURS | set(packages) | {_package(type(agent)) for agent in agents}
        self._sets: list[tuple[set[Any], set[Any]]] = []
        self._seen: dict[int, Any] = {}
        dicts: list[dict[Any, Any]] = []
        lists: list[list[Any] | deque[Any]] = []
        for agent in agents:
            self._walk(agent, dicts, lists)
        self._dicts, self._lists = container_reset.of_dicts(dicts), container_reset.of_lists(lists)
        self._plain = {
            id(thing): {
                name: copy.deepcopy(value) for name, value in vars(thing).items() if is_plain(value)
            }
            for thing in self._seen.values()
            if isinstance(thing, ConversableAgent | GroupChat)
        }
        self._names = {key: frozenset(vars(self._seen[key])) for key in self._plain}
        self._kept: dict[tuple[int, frozenset[str]], dict[str, Any]] = {}

    def reset(self) -> None:
        """Make the chat what it was: every container in place, so that shared ones stay shared."""
        self._dicts.restore()
        self._lists.restore()
        for members, saved in self._sets:
            if members != saved:
                members.clear()
                members.update(saved)

    def changes(self, thing: object, known: frozenset[str]) -> dict[str, Any]:
        """The plain attributes of an agent or group chat that differ now, without the `known`."""
        now, names = vars(thing), self._names[id(thing)]
        before = self._watched(thing, known)
        if now.keys() == names and [now[name] for name in before] == list(before.values()):
            return {}
        changed = {}
        for name, value in now.items():
            if name in known or (name in names and name not in before):
                continue
            if (name not in names or value != before[name]) and is_plain(value):
                changed[name] = value
        return changed

    def _watched(self, thing: object, known: frozenset[str]) -> dict[str, Any]:
        """The plain attributes as they were, without the `known`."""
        key = id(thing), known
        if key not in self._kept:
            plain = self._plain[id(thing)].items()
            self._kept[key] = {name: value for name, value in plain if name not in known}
        return self._kept[key]

    def _walk(
        self, thing: Any, dicts: list[dict[Any, Any]], lists: list[list[Any] | deque[Any]]
    ) -> None:
        if isinstance(thing, _SCALARS) or id(thing) in self._seen:
            return
        if isinstance(thing, tuple | frozenset):
            children: Iterable[Any] = thing
        elif isinstance(thing, dict):
            dicts.append(thing)
            children = list(thing.values())
        elif isinstance(thing, list | deque):
            lists.append(thing)
            children = list(thing)
        elif isinstance(thing, set):
            self._sets.append((thing, set(thing)))
            children = list(thing)
        elif self._is_ours(thing):
            dicts.append(vars(thing))
            children = list(vars(thing).values())
        else:
            return
        self._seen[id(thing)] = thing
        for child in children:
            self._walk(child, dicts, lists)

    def _is_ours(self, thing: Any) -> bool:
        if isinstance(thing, type) or not hasattr(thing, "__dict__") or _is_code(thing):
            return False
        return _package(type(thing)) in self._packages


def is_plain(value: Any) -> bool:
    """Whether a value is JSON and comes back from JSON as exactly what it was."""
    if isinstance(value, dict):
        return type(value) is dict and all(
            type(key) is str and is_plain(item) for key, item in value.items()
        )
    if isinstance(value, list):
        return type(value) is list and all(map(is_plain, value))
    return type(value) in _SCALARS


def _package(kind: type) -> str:
    return package_of(kind.__module__)


def _is_code(thing: Any) -> bool:
    return hasattr(thing, "__code__") or hasattr(thing, "__func__")
