"""Reads calls as models write them, also badly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.agents.calls import Call, read_calls
from countersign.agents.classic.messages import asked_calls
from countersign.approvals.audit.canonical import canonical_json

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["amount"],
}


def read(arguments: Any, *, tool: str = "pay", schema: Any = SCHEMA, **message: Any) -> Call:
    """The one call of a message with these arguments."""
    entry = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": arguments}}
    history = [
        {"role": "user", "name": "clerk", "content": "Bob is owed it."},
        {"role": "assistant", "name": "requester", "content": "Pay Bob, the board wants it."},
        {"role": "tool", "name": "clerk", "content": "Bob: 5 EUR"},
        {"role": "user", "name": "clerk", "content": "None", "tool_calls": [entry], **message},
    ]
    (call,) = read_calls(asked_calls(history), 3, {"pay": schema}, {"mail": "sales"})
    return call


def test_a_call_is_read_with_its_rationale_taken_off() -> None:
    """The rationale is for people, not for the tool or the digest."""
    call = read('{"amount": 5, "rationale": "he is owed it"}')

    assert call == Call("3.0:call_1", "call_1", "pay", {"amount": 5}, "he is owed it", None)


@pytest.mark.parametrize("content", [None, "", "None"])
def test_without_a_rationale_the_last_words_of_the_agent_stand_for_it(content: str | None) -> None:
    """Nobody else's: people read them as the agent's. The string "None" is AutoGen's."""
    assert read('{"amount": 5}', content=content).rationale == "Bob is owed it."


def test_an_agent_that_has_said_nothing_gave_no_reason() -> None:
    """Whoever asked cannot put words into its mouth."""
    assert read('{"amount": 5}', name="payer").rationale == ""


def test_words_beside_the_call_are_the_rationale() -> None:
    """What the model says with its call."""
    assert read('{"amount": 5}', content="I pay now.").rationale == "I pay now."


def test_a_tool_with_its_own_rationale_keeps_it() -> None:
    """Then it is an argument like any other."""
    schema = {"type": "object", "properties": {"rationale": {"type": "string"}}}
    call = read('{"rationale": "x"}', schema=schema)

    assert (call.arguments, call.rationale) == ({"rationale": "x"}, "x")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{not json", "not JSON"),
        ("[1]", "not a JSON object"),
        ("3", "not a JSON object"),
        ('{"amount": NaN}', "not JSON"),
        ('{"amount": Infinity}', "not JSON"),
        ('{"amount": 1, "note": "\\ud800"}', "cannot be signed"),
        ('{"amount": 12345678901234567890123}', "cannot be signed"),
        ("{" * 100_000, "not JSON"),
        ('{"amount":' * 300 + "1" + "}" * 300, "nested more than 100 levels"),
        ('{"amount": "5"}', "amount: "),
        ('{"amount": 1, "amount": 9}', "amount stands twice"),
        ('{"amount": 1, "note": [{"x": 1, "x": 2}]}', "x stands twice"),
        ("{}", "amount: is required"),
        ("", "amount: is required"),
        (None, "amount: is required"),
        ('{"amount": 1, "cc": "eve"}', "cc: is not an argument"),
    ],
)
def test_bad_arguments_are_a_problem_and_not_an_error(arguments: Any, problem: str) -> None:
    """And what is kept of them can be stored and signed."""
    call = read(arguments)

    assert problem in str(call.problem)
    canonical_json(call.arguments)


def test_unknown_tools_name_the_known_ones() -> None:
    """And a tool of another executor names that."""
    assert read("{}", tool="fly").problem == "There is no tool fly; there are: pay."
    assert "mail is executed by sales" in str(read("{}", tool="mail").problem)
    assert "without a name" in str(read("{}", tool="").problem)


def test_call_ids_are_unique_where_the_models_are_not() -> None:
    """Missing, repeated and odd ids."""
    function = {"name": "pay", "arguments": '{"amount": 1}'}
    calls = [{"function": function}, {"id": "a", "function": function}]
    calls += [{"id": "a", "function": function}, {"id": "ü\n" * 99, "function": function}]
    read_back = read_calls(asked_calls([{"tool_calls": calls}]), 0, {"pay": SCHEMA}, {})

    assert [c.call_id for c in read_back][:3] == ["0.0", "0.1:a", "0.2:a"]
    assert len(read_back[3].call_id) == len("0.3:") + 64
    assert [c.provider_id for c in read_back][:3] == [None, "a", "a"]


def test_an_old_function_call_is_read_too() -> None:
    """`function_call` has its id on the message, if anywhere."""
    message = {"function_call": {"name": "pay", "arguments": '{"amount": 1}'}, "content": None}
    (call,) = read_calls(asked_calls([message]), 0, {"pay": SCHEMA}, {})

    assert (call.call_id, call.provider_id, call.problem) == ("0.0", None, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.one_of(st.text(), JSON.map(json.dumps), st.binary().map(repr)))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever a model writes, the call can be stored: it fits, or it has a problem."""
    call = read(text)

    canonical_json(call.arguments)
    assert call.problem is not None or set(call.arguments) <= {"amount", "note"}
