"""Identity record: what lists of messages hold, to tell later whether they still hold the same.

Everything is compared by identity, all containers together and without a step of Python for each:
texts and numbers cannot change, so what holds the same objects has the same JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import is_
from typing import Any

Message = dict[str, Any]
_CONTAINERS = (dict, list, tuple)


class IdentityRecord:
    """Of several lists, by key. They may grow; what was recorded of them has to stay."""

    def __init__(self) -> None:
        self._known: dict[Hashable, list[Message]] = {}
        self._seen: set[int] = set()
        self._keys, self._values, self._items = _Held(iter), _Held(dict.values), _Held(iter)

    def length(self, key: Hashable) -> int:
        """How many messages of a list are recorded."""
        return len(self._known.get(key, ()))

    def holds(self, lists: Mapping[Hashable, Sequence[Message]]) -> bool:
        """Whether the lists begin with the very messages that are recorded, unchanged."""
        return (
            all(_begins(lists.get(key, ()), known) for key, known in self._known.items())
            and self._keys.is_same()
            and self._values.is_same()
            and self._items.is_same()
        )

    def add(self, key: Hashable, messages: Iterable[Message], *, is_known: bool = False) -> None:
        """Record more messages of a list. Where `is_known`, whatever they hold is recorded with
        another one, of which they are copies."""
        level: list[Any] = list(messages)
        self._known.setdefault(key, []).extend(level)
        if is_known:
            self._keys.add(level)
            self._values.add(level)
            return
        while level:
            self._seen.update(map(id, level))
            dicts = [each for each in level if isinstance(each, dict)]
            others = [each for each in level if not isinstance(each, dict)]
            self._keys.add(dicts)
            self._values.add(dicts)
            self._items.add(others)
            children = chain(_flat(dict.values, dicts), _flat(iter, others))
            nested = {id(each): each for each in children if isinstance(each, _CONTAINERS)}
            level = [each for number, each in nested.items() if number not in self._seen]


class _Held:
    """What containers hold, and what they held when they were added."""

    def __init__(self, of: Callable[[Any], Iterable[Any]]):
        self._of = of
        self._containers: list[Any] = []
        self._lengths: list[int] = []
        self._held: list[Any] = []

    def add(self, containers: Sequence[Any]) -> None:
        self._containers.extend(containers)
        self._lengths.extend(map(len, containers))
        self._held.extend(_flat(self._of, containers))

    def is_same(self) -> bool:
        return list(map(len, self._containers)) == self._lengths and all(
            map(is_, self._held, _flat(self._of, self._containers))
        )


def _flat(of: Callable[[Any], Iterable[Any]], containers: Iterable[Any]) -> Iterator[Any]:
    return chain.from_iterable(map(of, containers))


def _begins(now: Sequence[Message], known: Sequence[Message]) -> bool:
    return len(now) >= len(known) and all(map(is_, known, now))
