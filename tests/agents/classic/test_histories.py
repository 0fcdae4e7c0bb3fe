"""A history stored as a difference comes back exactly."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from countersign.agents.classic.histories import decode, encode, same

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
MESSAGES = st.lists(
    st.dictionaries(st.sampled_from(["content", "role", "name", "tool_calls"]), VALUES, max_size=4),
    max_size=6,
)


@given(MESSAGES, MESSAGES)
@example(history=[{}], base=[{"content": []}, {"content": []}, {}])
@example(history=[{}, {"role": 1}], base=[{"content": []}, {"content": []}, {}])
def test_any_history_comes_back_from_any_base(history: list[Any], base: list[Any]) -> None:
    """Through JSON, with types: 1, 1.0 and True stay apart."""
    stored = json.loads(json.dumps(encode(history, base)))

    assert same(decode(stored, base), history)


def test_a_history_that_begins_late_in_its_base_comes_back() -> None:
    """Shorter than what was said before it: an agent that has heard one message of many."""
    base = [{"content": "a"}, {"content": "b"}, {"content": "c"}]

    assert [{"content": "c"}] == decode(encode([{"content": "c"}], base), base)
    assert {"n": 1, "p": {}, "at": 2} == encode([{"content": "c"}], base)


@given(MESSAGES, st.integers(0, 6), st.lists(st.integers(0, 5), max_size=3), VALUES)
def test_a_history_close_to_its_base_comes_back(
    base: list[Any], length: int, changed: list[int], value: Any
) -> None:
    """Some messages changed, the end cut off, an introduction put before."""
    history = [{"content": "Hello everyone."}, *(dict(message) for message in base[:length])]
    for index in changed:
        if index < len(history):
            history[index]["role"] = value
    stored = json.loads(json.dumps(encode(history, base)))

    assert same(decode(stored, base), history)


def test_an_equal_history_costs_a_number() -> None:
    """That is the point of it."""
    base = [{"content": "a"}, {"content": "b"}]

    assert encode([dict(m) for m in base], base) == 2


def test_an_introduction_does_not_cost_the_rest() -> None:
    """The history is shifted by one, not rewritten."""
    base = [{"content": f"words {i}"} for i in range(9)]
    encoded = encode([{"content": "intro"}, *base], base)

    assert encoded == {"n": 10, "p": {"0": [{"content": "intro"}]}, "at": -1}


def test_decoded_messages_are_not_the_base_itself() -> None:
    """AutoGen writes to messages; the base must not change with a history."""
    base = [{"content": "a"}]
    decode(1, base)[0]["name"] = "x"

    assert base == [{"content": "a"}]
