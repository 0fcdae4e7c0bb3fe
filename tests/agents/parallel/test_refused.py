"""Chats that cannot work side by side are refused at start; what is stored comes back as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from autogen import AssistantAgent

from countersign import ApprovalProxy, Chat, Parallel
from countersign.agents.classic.fingerprint import fingerprint_of_parallel
from countersign.agents.classic.parallel import check
from countersign.agents.parallel.parallel_chat import ParallelChat
from countersign.agents.parallel.records import Record, Stage, state_of
from countersign.approvals.errors import ConfigurationError, IntegrityError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import ChatState, RequestKind, StoredChat


def pay(amount: int) -> str:
    """Pay."""
    return str(amount)


def other_pay(amount: int) -> str:
    """Another way to pay."""
    return str(amount)


def pair(name: str, body: Any = pay, worker: Any = None) -> Chat:
    gate = ApprovalProxy(f"{name}_gate")
    gate.register_function({"pay": body})
    return Chat(gate, worker or AssistantAgent(name))


def _shared() -> Parallel:
    worker = AssistantAgent("worker")
    return Parallel({"a": pair("a", worker=worker), "b": pair("b", worker=worker)})


REFUSED: dict[str, tuple[Callable[[], Parallel], str]] = {
    "none": (lambda: Parallel({}), "Parallel has 0 branches. Give it 1 to 50."),
    "a name": (lambda: Parallel({"A b": pair("a")}), "a branch cannot be named 'A b'"),
    "then": (lambda: Parallel({"then": pair("a")}), "not then"),
    "one agent": (_shared, "worker is in the chats a and b, which may run at the same time"),
    "one name": (
        lambda: Parallel({"a": pair("x"), "b": pair("x")}),
        "2 agents are named x_gate. Give each its own name.",
    ),
    "one name, later": (
        lambda: Parallel({"a": pair("x")}, then=pair("x")),
        "2 agents are named x. Give each its own name.",
    ),
    "two tools": (
        lambda: Parallel({"a": pair("a"), "b": pair("b", other_pay)}),
        "the chats a and b have different tools named pay. Rename one.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """With what to do."""
    make, words = REFUSED[name]
    with pytest.raises(ConfigurationError, match="workflow w: ") as caught:
        check(make(), "w")

    assert words in str(caught.value)


def test_chats_with_the_same_tool_are_fine() -> None:
    check(Parallel({"a": pair("a"), "b": pair("b")}, then=pair("c")), "w")


def test_version_follows_names_order_and_what_each_chat_is() -> None:
    """A session goes on only where its branches are."""
    first, second = pair("a"), pair("b")
    all_of_them = [
        fingerprint_of_parallel(chats)
        for chats in (
            {"a": first, "b": second},
            {"b": second, "a": first},
            {"a": first, "c": second},
            {"a": first, "b": pair("b", worker=AssistantAgent("c"))},
        )
    ]

    assert len(set(all_of_them)) == 4


def test_stored_by_other_branches_is_not_restored() -> None:
    """Whatever the version says."""
    state = state_of({"a": Record(), "b": Record()}, None)
    chat: Any = ParallelChat({"a": None, "c": None}, None)  # type: ignore[dict-item]
    with pytest.raises(IntegrityError, match="which are a, c"):
        chat.restore(StoredChat(state.snapshot))


def test_record_comes_back_as_it_was() -> None:
    """With every member, and a lone surrogate that a model wrote."""
    ending = Ending(cause=SessionCause.LIMIT, answer="so far", words="At a limit.")
    snapshot = json.dumps({"messages": [{"content": "\ud83d"}]})
    record = Record().at(
        Stage.FAILED,
        ChatState(snapshot, "", chunks=1, chunk='{"content":"before"}'),
        kind=RequestKind.INPUT,
        answers=("yes",),
        stopped=ending,
        ending=ending,
        told=True,
    )
    state = state_of({"a": record, "b": Record()}, record)
    stored = json.loads(state.snapshot)

    assert Record.read(stored["branches"]["a"]) == record
    assert Record.read(stored["branches"]["b"]) == Record()
    assert [(m["content"], m.get("branch")) for m in StoredChat(state.snapshot).messages()] == [
        ("before", "a"), ("\ud83d", "a"), ("before", None), ("\ud83d", None),
    ]  # fmt: skip


def test_chunks_of_a_long_chat_take_the_place_of_earlier_ones() -> None:
    """As in the store: a chunk with a number that is known replaces it and all after it."""
    record = Record()
    for chunks, chunk in ((1, '"a"'), (2, '"b"'), (2, None), (2, '"c"'), (1, '"d"')):
        record = record.at(Stage.HELD, ChatState("{}", "", chunks=chunks, chunk=chunk))

    assert record.chunks == ('"d"',)
    assert record.at(Stage.HELD, ChatState("{}", "")).chunks == ()
