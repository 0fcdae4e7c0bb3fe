"""The whole state of a paused chat as JSON text, and back.

v          version of this format
messages   the chat's messages, once (read by others too, to show the transcript)
before     how many messages come before them, in chunks; then the version is 4
of         a hash of the agents' names, in the order that all numbers below refer to
waiting    the user proxy whose turn it is;  turn: how many batches were submitted before
speaker    who spoke last, if that is not the author of the last message
histories  "a>b": what a remembers of its talk with b, if that is not what is expected of it
counters, replies           consecutive auto replies, and who answers whom, likewise
limits                      changed limits of auto replies
human, context, usage       human inputs, context variables, model usage by agent
extra      other attributes that changed since the chat was built

Version 2, which is still read, expects no counters of user proxies.

Version 1, which is still read, expects nothing: it holds the agents' names, every history, as a
difference from `messages`, every counter and reply, the last speaker and the usage in full.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from autogen import ConversableAgent, GroupChat

from countersign.agents.classic.baseline import Baseline
from countersign.agents.classic.chat import Chat, Message
from countersign.agents.classic.expected_histories import (
    Pair,
    expected,
    expected_counters,
    expected_replies,
    numbered,
)
from countersign.agents.classic.histories import Difference, decode
from countersign.agents.classic.stored_messages import StoredMessages
from countersign.agents.classic.stored_text import StoredText, as_text
from countersign.agents.classic.usage import pack, unpack
from countersign.agents.ports import Position
from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import ChatState, StoredChat

VERSION = 3
_CHUNKED = 4
_READABLE = (1, 2, VERSION, _CHUNKED)
_HASH_LENGTH = 8
T = TypeVar("T")
_KNOWN_OF_AGENT = frozenset({
    "_oai_messages", "_human_input", "context_variables", "client", "reply_at_receive",
    "_consecutive_auto_reply_counter", "_max_consecutive_auto_reply_dict", "_last_speaker",
    "client_cache", "previous_cache", "_tools", "_function_map", "_reply_func_list",
})  # fmt: skip
_KNOWN_OF_GROUP = frozenset({"agents", "messages", "max_round", "send_introductions"})


class Stored:
    """What of a chat the store has already; see `StoredMessages` and `StoredText`."""

    def __init__(self, chat: Chat):
        self.messages, self.text = StoredMessages(chat), StoredText()

    def forget(self) -> None:
        """Nothing."""
        self.messages.forget()
        self.text.forget()


def dump(
    chat: Chat, group: GroupChat | None, baseline: Baseline, position: Position, stored: Stored
) -> ChatState:
    """The state of the chat, which has to be stored: the next one builds upon it.

    Raises TypeError if a message holds what JSON cannot.
    """
    if not stored.messages.update(is_chunked=stored.text.chunks > 0):
        stored.text.forget()
    base = stored.messages.base
    parts = stored.text.parts(base)
    number = numbered(chat)
    names = [agent.name for agent in chat.agents]
    version = _CHUNKED if stored.text.chunks else VERSION
    state: dict[str, Any] = {"v": version, "messages": parts.last, "of": _hash(names)}
    speaker = number.get(id(getattr(chat.manager, "_last_speaker", None)))
    if speaker != _last_author(names, chat, base):
        state["speaker"] = speaker
    replies = _pairs(chat, number, "reply_at_receive", lambda _, flag: int(flag))
    if replies.keys() != set(map(_key, expected_replies(chat))):
        state["replies"] = replies
    counters = _pairs(chat, number, "_consecutive_auto_reply_counter", lambda _, n: n)
    if counters != _by_key(expected_counters(chat, base, position.waiting)):
        state["counters"] = counters
    fields: dict[str, Any] = {
        "waiting": names.index(position.waiting),
        "turn": position.turn,
        "before": stored.text.moved,
        "histories": _by_key(stored.messages.histories()),
        "limits": _pairs(chat, number, "_max_consecutive_auto_reply_dict", _limit),
        "human": _each(chat, lambda a: list(a._human_input)),
        "context": _each(chat, lambda a: a.context_variables.to_dict()),
        "usage": _each(chat, _usage),
        "extra": _each(chat, lambda a: baseline.changes(a, _KNOWN_OF_AGENT)),
    }
    if group is not None:
        fields["group"] = baseline.changes(group, _KNOWN_OF_GROUP)
    state.update({name: value for name, value in fields.items() if value})
    return ChatState(as_text(state), parts.sha256, chunks=stored.text.chunks, chunk=parts.chunk)


def restore(found: StoredChat, chat: Chat, group: GroupChat | None, stored: Stored) -> Position:
    """Bring a chat that is as built into the stored state. Raises IntegrityError if it cannot."""
    state = json.loads(found.snapshot)
    version = state.get("v")
    if version not in _READABLE:
        raise IntegrityError(f"The session was stored in format {version}, not {_CHUNKED}.")
    names = [agent.name for agent in chat.agents]
    if (state["agents"] != names) if version == 1 else (state["of"] != _hash(names)):
        raise IntegrityError(
            "The session was stored by other agents than the workflow has now, which are "
            f"{', '.join(names)}. Start a new session."
        )
    base = found.messages()
    if len(base) != state.get("before", 0) + len(state["messages"]):
        raise IntegrityError("Messages of the session are missing in the store.")
    views = {} if version == 1 else expected(chat, base)
    differences = _put_histories(chat, state.get("histories", {}), base, _by_key(views))
    replies = dict.fromkeys(map(_key, expected_replies(chat)), 1) if version > 1 else {}
    for pair in state.get("replies", replies):
        agent, other = _of(chat, pair)
        agent.reply_at_receive[other] = True
    waiting = names[state.get("waiting", 0)]
    counted = expected_counters(chat, base, waiting if version > 2 else None)
    counters = _by_key(counted) if version > 1 else {}
    for pair, count in state.get("counters", counters).items():
        agent, other = _of(chat, pair)
        agent._consecutive_auto_reply_counter[other] = count
    for pair, (limit,) in state.get("limits", {}).items():
        agent, other = _of(chat, pair)
        agent._max_consecutive_auto_reply_dict[other] = limit
    for index, agent in enumerate(chat.agents):
        _put_agent(agent, {name: state.get(name, {}).get(str(index)) for name in _SINGLE})
    if group is not None:
        group.messages[:] = [dict(message) for message in base]
        vars(group).update(state.get("group", {}))
    speaker = state.get("speaker", _last_author(names, chat, base))
    if chat.manager is not None and speaker is not None:
        chat.manager._last_speaker = chat.agents[speaker]
    if version > 1:
        is_chunked = bool(found.chunks)
        stored.messages.restored(base, views, differences, is_chunked=is_chunked)
        stored.text.restored(found.chunks, state.get("before", 0))
    return Position(waiting, state.get("turn", 0))


_SINGLE = ("human", "context", "usage", "extra")


def _last_author(names: Sequence[str], chat: Chat, base: Sequence[Message]) -> int | None:
    """Whom AutoGen takes for the last speaker; nobody in a chat without a manager."""
    if chat.manager is None or not base or base[-1].get("name") not in names:
        return None
    return names.index(base[-1]["name"])


def _put_histories(
    chat: Chat,
    stored: Mapping[str, Any],
    base: Sequence[Message],
    views: Mapping[str, Sequence[Message]],
) -> dict[Pair, Difference]:
    expected_lengths = {pair: len(view) for pair, view in views.items()}
    differences = {}
    for pair, history in {**expected_lengths, **stored}.items():
        agent, other = _of(chat, pair)
        view = views.get(pair, base)
        agent._oai_messages[other] = decode(history, view)
        differences[_pair(pair)] = Difference.of(history, view)
    return differences


def _pairs(
    chat: Chat,
    number: Mapping[int, int],
    attribute: str,
    convert: Callable[[ConversableAgent, Any], Any],
) -> dict[str, Any]:
    found = {}
    for index, agent in enumerate(chat.agents):
        for other, value in getattr(agent, attribute).items():
            if id(other) in number and (converted := convert(agent, value)):
                found[_key((index, number[id(other)]))] = converted
    return found


def _each(chat: Chat, read: Callable[[ConversableAgent], Any]) -> dict[str, Any]:
    return {str(i): value for i, agent in enumerate(chat.agents) if (value := read(agent))}


def _limit(agent: ConversableAgent, value: int) -> list[int]:
    return [] if value == agent.max_consecutive_auto_reply() else [value]


def _usage(agent: ConversableAgent) -> list[Any] | None:
    client = agent.client
    if client is None or not (client.total_usage_summary or client.actual_usage_summary):
        return None
    total, actual = client.total_usage_summary, client.actual_usage_summary
    return [pack(total)] if total == actual else [pack(total), pack(actual)]


def _by_key(values: Mapping[Pair, T]) -> dict[str, T]:
    return {_key(pair): value for pair, value in values.items()}


def _hash(names: Sequence[str]) -> str:
    return sha256_hex("\n".join(names).encode())[:_HASH_LENGTH]


def _key(pair: Pair) -> str:
    return f"{pair[0]}>{pair[1]}"


def _pair(key: str) -> Pair:
    left, _, right = key.partition(">")
    return int(left), int(right)


def _of(chat: Chat, key: str) -> tuple[ConversableAgent, ConversableAgent]:
    left, right = _pair(key)
    return chat.agents[left], chat.agents[right]


def _put_agent(agent: ConversableAgent, stored: Mapping[str, Any]) -> None:
    if stored["human"]:
        agent._human_input[:] = stored["human"]
    if stored["context"]:
        agent.context_variables.data.clear()
        agent.context_variables.data.update(stored["context"])
    if stored["usage"] and agent.client is not None:
        total, *actual = stored["usage"]
        agent.client.total_usage_summary = unpack(total)
        # Two values: AutoGen adds to each of them in place.
        agent.client.actual_usage_summary = unpack(copy.deepcopy(actual[0] if actual else total))
    vars(agent).update(stored["extra"] or {})
