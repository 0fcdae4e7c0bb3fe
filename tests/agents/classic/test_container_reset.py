"""Containers get back exactly what they held, whichever of them changed and how often."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import pytest

from countersign.agents.classic import container_reset

CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another value": lambda d: d.update(a=2),
    "an equal value of another type": lambda d: d.update(a=True),
    "an equal object": lambda d: d.update(b=[1]),
    "more": lambda d: d.update(c=3),
    "less": lambda d: d.pop("a"),
    "another key with the same value": lambda d: d.update(c=d.pop("b")),
    "another order": lambda d: d.update(a=d.pop("a")),
    "nothing left": lambda d: d.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("kind", [dict, OrderedDict, lambda d: defaultdict(list, d)])
def test_a_dict_gets_back_its_very_items_in_their_order(
    change: Callable[[dict[str, Any]], Any], kind: Callable[[Any], dict[str, Any]]
) -> None:
    """Twice: the first change is found among those that never changed, the second is expected."""
    value = [1]
    first, second = kind({"x": 1}), kind({"a": 1, "b": value})
    saved = container_reset.of_dicts([first, second])
    for _ in range(2):
        change(second)
        saved.restore()

        assert list(second.items()) == [("a", 1), ("b", [1])]
        assert second["a"] is not True
        assert second["b"] is value
        assert dict(first) == {"x": 1}


@pytest.mark.parametrize("kind", [list, deque])
def test_a_list_gets_back_its_very_items(kind: Callable[[Any], Any]) -> None:
    """Also after a change of another one, and after none."""
    value = {"k": 1}
    first, second = kind([1, 2]), kind([value])
    saved = container_reset.of_lists([first, second])
    saved.restore()
    first.append(3)
    saved.restore()
    second[0] = {"k": 1}
    first.clear()
    saved.restore()

    assert list(first) == [1, 2]
    assert second[0] is value


def test_what_has_not_changed_is_not_written() -> None:
    """Other threads may read a container that chats share."""

    class Watched(dict[str, int]):
        def clear(self) -> None:
            raise AssertionError("written")

    still, busy = Watched(a=1), {"b": 1}
    saved = container_reset.of_dicts([still, busy])
    busy["b"] = 2
    saved.restore()

    assert {"b": 1} == busy
