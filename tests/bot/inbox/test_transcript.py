"""The chat on a request's page ends with the message that proposes its call."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.bot.inbox.transcript import messages_of


def calling(words: str, *ids: str, **more: Any) -> dict[str, Any]:
    calls = [{"id": each, "function": {"name": "pay", "arguments": "{}"}} for each in ids]
    return {"name": "clerk", "content": words, "tool_calls": calls, **more}


def said(words: str) -> dict[str, Any]:
    return {"name": "gatekeeper", "content": words}


CHAT = [
    said("Pay both."),
    calling("first", "call_1"),
    said("paid"),
    calling("second", "call_1", "call 2!"),
    said("paid again"),
    calling("third", "call_3"),
    said("TERMINATE"),
]


@pytest.mark.parametrize(
    ("call_id", "last"),
    [
        ("0.0:call_1", "first"),
        ("1.0:call_1", "second"),
        ("1.1:call_2_", "second"),
        ("2.0:call_3", "third"),
        ("5.0:call_3", "third"),  # questions to people are turns, too
        ("1.0", "TERMINATE"),
        ("1.0:of_another_chat", "TERMINATE"),
        ("", "TERMINATE"),
    ],
)
def test_the_chat_ends_with_the_message_that_proposes_the_call(call_id: str, last: str) -> None:
    assert last == messages_of(CHAT, call_id)[-1].text


def test_of_chats_side_by_side_the_branch_is_shown() -> None:
    chat = [calling("ours", "x.1.2", branch="a"), calling("theirs", "x.1.2", branch="b")]
    chat += [said("later") | {"branch": "a"}]

    assert ["ours"] == [each.text for each in messages_of(chat, "a.0.0:x.1.2", "a")]
