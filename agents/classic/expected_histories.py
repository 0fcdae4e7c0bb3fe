"""Expected histories: the same messages, as AutoGen makes each agent remember them.

A snapshot holds the messages once and of each agent's history only what differs from this.
Where AutoGen does otherwise (another version, a hook, a message sent aside) nothing breaks: the
difference is stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from countersign.agents.classic.chat import Chat, Message
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.classic.messages import has_calls

_KEPT_ROLES = ("tool", "function")
Pair = tuple[int, int]
"""The numbers in `chat.agents` of who remembers, and of whom the talk was with."""


def numbered(chat: Chat) -> dict[int, int]:
    """The number of each agent in `chat.agents`, by its identity."""
    return {id(agent): index for index, agent in enumerate(chat.agents)}


def expected(chat: Chat, base: Sequence[Message]) -> dict[Pair, list[Message]]:
    """The history of every pair that talks in the chat, where `base` is all that was said.

    The lists are new; a message that looks the same from both sides is the one of `base`.
    """
    number = numbered(chat)
    authors = [message.get("name") for message in base]
    found: dict[Pair, list[Message]] = {}
    is_group = chat.manager is not None
    # Nearly all are words that somebody said: a long chat is gone through without a call for each.
    plain = [
        message.get("role") == "user"
        and "tool_calls" not in message
        and "function_call" not in message
        for message in base
    ]
    heard = [
        message if is_plain else _seen(message, False, is_group)
        for message, is_plain in zip(base, plain, strict=True)
    ]
    told = [
        {**message, "role": "assistant"} if is_plain else _seen(message, True, True)
        for message, is_plain in zip(base if is_group else (), plain, strict=False)
    ]
    for speaker in chat.speakers:
        name = speaker.name
        own = [author == name for author in authors]
        pair = number[id(speaker)], number[id(chat.peer(speaker))]
        found[pair] = [
            other
            if not mine
            else {**message, "role": "assistant"}
            if is_plain
            else _seen(message, True, False)
            for message, mine, is_plain, other in zip(base, own, plain, heard, strict=True)
        ]
        if is_group:
            found[pair[::-1]] = [
                hears if mine else tells
                for mine, hears, tells in zip(own, heard, told, strict=True)
            ]
    return found


def expected_replies(chat: Chat) -> set[Pair]:
    """Who answers at once what comes from whom, once the chat has been initiated."""
    number = numbered(chat)
    pairs = {(number[id(agent)], number[id(chat.peer(agent))]) for agent in chat.speakers}
    starter, recipient = number[id(chat.starter)], number[id(chat.recipient)]
    return pairs | {(starter, recipient), (recipient, starter)}


def expected_counters(chat: Chat, base: Sequence[Message], waiting: str | None) -> dict[Pair, int]:
    """How often who has answered whom by itself: with every message but the task.

    A proxy that asks people every time does not count; that which is `waiting` with the calls of
    the last message has counted its answer already. Without `waiting` no proxy counts: so it was
    before format 3.
    """
    number = numbered(chat)
    authors = [message.get("name") for message in base]
    found: dict[Pair, int] = {}
    for speaker in chat.speakers:
        answers = authors.count(speaker.name) - (speaker is chat.starter)
        if isinstance(speaker, ApprovalProxy):
            if waiting is None or speaker.human_input_mode == "ALWAYS":
                continue
            answers += speaker.name == waiting and bool(base) and has_calls(base[-1])
        if answers > 0:
            found[number[id(speaker)], number[id(chat.peer(speaker))]] = answers
    return found


def _seen(message: Message, own: bool, named: bool) -> Message:
    """The message in the history of one who said it (`own`) or heard it.

    AutoGen puts no name on calls, and `GroupChat.append` does so only where the manager keeps
    them, together with the text "None" in place of no text.
    """
    role = message.get("role")
    if role == ("assistant" if own else "user") and "tool_calls" not in message:
        return message
    if has_calls(message):
        if named or "name" not in message:
            return message
        said = {key: value for key, value in message.items() if key != "name"}
        if said.get("content") == "None":
            said["content"] = None
        return said
    return message if role in _KEPT_ROLES else {**message, "role": "assistant" if own else "user"}
