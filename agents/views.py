"""What AutoGen makes every agent of a chat remember: the same messages, each from its side.

A snapshot holds the messages once and of each agent's history only what differs from this.
Where AutoGen does otherwise (another version, a hook, a message sent aside) nothing breaks: the
difference is stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.calls import has_calls
from agents.chat import Chat, Message
from agents.gatekeeper import ApprovalProxy

_KEPT_ROLES = ("tool", "function")
Pair = tuple[int, int]
"""The numbers in `chat.agents` of who remembers, and of whom the talk was with."""


def expected(chat: Chat, base: Sequence[Message]) -> dict[Pair, list[Message]]:
    """The history of every pair that talks in the chat, where `base` is all that was said.

    The lists are new; a message that looks the same from both sides is the one of `base`.
    """
    number = {id(agent): index for index, agent in enumerate(chat.agents)}
    found: dict[Pair, list[Message]] = {}
    for speaker in chat.speakers:
        other = chat.peer(speaker)
        mine = [message.get("name") == speaker.name for message in base]
        pair = number[id(speaker)], number[id(other)]
        if chat.manager is None:
            found[pair] = [_seen(m, own, named=False) for m, own in zip(base, mine, strict=True)]
            continue
        found[pair] = [_seen(m, own, named=not own) for m, own in zip(base, mine, strict=True)]
        found[pair[::-1]] = [_seen(m, not own) for m, own in zip(base, mine, strict=True)]
    return found


def expected_replies(chat: Chat) -> set[Pair]:
    """Who answers at once what comes from whom, once the chat has been initiated."""
    number = {id(agent): index for index, agent in enumerate(chat.agents)}
    pairs = {(number[id(agent)], number[id(chat.peer(agent))]) for agent in chat.speakers}
    starter, recipient = number[id(chat.starter)], number[id(chat.recipient)]
    return pairs | {(starter, recipient), (recipient, starter)}


def expected_counters(chat: Chat, base: Sequence[Message]) -> dict[Pair, int]:
    """How often who has answered whom by itself: with every message but the task, and not where
    the gate answered."""
    number = {id(agent): index for index, agent in enumerate(chat.agents)}
    found: dict[Pair, int] = {}
    for speaker in chat.speakers:
        said = sum(message.get("name") == speaker.name for message in base)
        answers = 0 if isinstance(speaker, ApprovalProxy) else said - (speaker is chat.starter)
        if answers > 0:
            found[number[id(speaker)], number[id(chat.peer(speaker))]] = answers
    return found


def _seen(message: Message, own: bool, *, named: bool = True) -> Message:
    """The message in the history of one who said it (`own`) or heard it.

    AutoGen puts no name on calls, and `GroupChat.append` does so only where the manager keeps
    them, together with the text "None" in place of no text.
    """
    if has_calls(message):
        if named or "name" not in message:
            return message
        said = {key: value for key, value in message.items() if key != "name"}
        if said.get("content") == "None":
            said["content"] = None
        return said
    role = message.get("role")
    right = "assistant" if own else "user"
    if role == right or role in _KEPT_ROLES:
        return message
    return {**message, "role": right}
