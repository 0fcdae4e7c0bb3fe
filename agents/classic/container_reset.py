"""Container reset: contents, recorded once and put back in place as often as needed.

Nearly all containers of a chat stay as they were, but any of them may change. Those that never
did are compared all together, by identity, without a step of Python for each; those that a
session has changed are looked at one by one from then on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import chain
from operator import is_
from typing import Any, Generic, TypeVar

C = TypeVar("C", bound=Collection[Any])
View = Callable[[Any], Iterable[Any]]


class Contents(Generic[C]):
    """What containers of one kind hold.

    `held` gives the objects of a container, which are compared by identity; `order` its keys, if it
    has any.
    """

    def __init__(
        self,
        containers: Iterable[C],
        *,
        held: View,
        order: View | None,
        copied: Callable[[C], Any],
        put: Callable[[C, Any], None],
    ):
        self._held = held
        self._order = order
        self._put = put
        self._quiet = [(live, copied(live)) for live in containers]
        self._changing: list[tuple[C, Any]] = []
        self._flatten()

    def restore(self) -> None:
        """Give every container the very objects that it held, in their order."""
        self._restore(self._changing)
        if self._is_quiet():
            return
        changed = self._restore(self._quiet)
        self._changing += changed
        moved = {id(live) for live, _ in changed}
        self._quiet = [pair for pair in self._quiet if id(pair[0]) not in moved]
        self._flatten()

    def _flatten(self) -> None:
        self._live = [live for live, _ in self._quiet]
        self._sizes = list(map(len, self._live))
        self._all_held = list(self._all(self._held))
        self._all_order = [] if self._order is None else list(self._all(self._order))

    def _all(self, view: View) -> Iterable[Any]:
        return chain.from_iterable(map(view, self._live))

    def _is_quiet(self) -> bool:
        return (
            list(map(len, self._live)) == self._sizes
            and all(map(is_, self._all(self._held), self._all_held))
            and (self._order is None or list(self._all(self._order)) == self._all_order)
        )

    def _restore(self, pairs: Iterable[tuple[C, Any]]) -> list[tuple[C, Any]]:
        changed = []
        for live, saved in pairs:
            # What is as it was is not touched: another thread may read an object chats share.
            if not self._same(live, saved):
                self._put(live, saved)
                changed.append((live, saved))
        return changed

    def _same(self, live: C, saved: Any) -> bool:
        return (
            len(live) == len(saved)
            and all(map(is_, self._held(live), self._held(saved)))
            and (self._order is None or list(self._order(live)) == list(self._order(saved)))
        )


def of_dicts(dicts: Iterable[dict[Any, Any]]) -> Contents[dict[Any, Any]]:
    """The items of dicts and their order."""
    return Contents(dicts, held=dict.values, order=dict.keys, copied=dict, put=_put_dict)


def of_lists(lists: Iterable[list[Any] | deque[Any]]) -> Contents[list[Any] | deque[Any]]:
    """The items of lists and deques, whose order is that of what they hold."""
    return Contents(lists, held=iter, order=None, copied=list, put=_put_list)


def _put_dict(live: dict[Any, Any], saved: dict[Any, Any]) -> None:
    live.clear()
    live.update(saved)


def _put_list(live: list[Any] | deque[Any], saved: list[Any]) -> None:
    live.clear()
    live.extend(saved)
