"""What was recorded is known again as long as nothing of it was changed, however deep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from countersign.agents.classic.identity_record import IdentityRecord

Lists = dict[Any, list[dict[str, Any]]]


def _lists() -> Lists:
    call = {"id": "c1", "function": {"name": "refund", "arguments": "{}"}}
    said: list[dict[str, Any]] = [
        {"content": "Hi", "role": "user"},
        {"content": None, "tool_calls": [call]},
    ]
    return {"said": said, "heard": [dict(message) for message in said]}


def _recorded(lists: Lists) -> IdentityRecord:
    record = IdentityRecord()
    for key, messages in lists.items():
        record.add(key, messages)
    return record


def _grow(lists: Lists) -> None:
    lists["said"].append({"content": "More"})
    lists["new"] = [{"content": "Aside"}]


@pytest.mark.parametrize("change", [lambda _: None, _grow])
def test_lists_may_grow(change: Callable[[Lists], Any]) -> None:
    """And there may be more of them."""
    lists = _lists()
    record = _recorded(lists)
    change(lists)

    assert record.holds(lists)
    assert record.length("said") == 2
    assert record.length("new") == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a["said"][0].update(content="Ho"),
        lambda a: a["said"][0].update(name="ann"),
        lambda a: a["said"][0].pop("role"),
        lambda a: a["said"][0].update(text=a["said"][0].pop("role")),
        lambda a: a["said"][1]["tool_calls"][0]["function"].update(arguments="[]"),
        lambda a: a["said"][1]["tool_calls"].append({}),
        lambda a: a["said"][1]["tool_calls"].clear(),
        lambda a: a["heard"][1].update(tool_calls=list(a["heard"][1]["tool_calls"])),
        lambda a: a["said"].reverse(),
        lambda a: a["said"].pop(),
        lambda a: a["said"].__setitem__(0, dict(a["said"][0])),
        lambda a: a.pop("heard"),
        lambda a: a.update(heard=[]),
    ],
)
def test_every_change_is_seen(change: Callable[[Lists], Any]) -> None:
    """Of a text, a key, a nested value, an order, a list."""
    lists = _lists()
    record = _recorded(lists)
    change(lists)

    assert not record.holds(lists)


def test_what_moves_from_one_list_to_the_next_is_a_change() -> None:
    """Although all of them together hold the same in the same order."""
    first: list[Any] = ["a", "b"]
    second: list[Any] = []
    lists: Lists = {"said": [{"content": first}, {"content": second}]}
    record = _recorded(lists)
    second.append(first.pop())

    assert not record.holds(lists)


def test_what_was_added_later_is_watched_too() -> None:
    """A list is recorded bit by bit."""
    lists = _lists()
    record = _recorded(lists)
    lists["said"].append({"content": ({"text": "deep"},)})
    record.add("said", lists["said"][2:])
    assert record.holds(lists)

    lists["said"][2]["content"][0]["text"] = "changed"

    assert not record.holds(lists)
