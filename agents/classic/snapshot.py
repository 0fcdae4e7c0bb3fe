"""The whole state of a paused chat as one JSON text, and back.

v          version of this format
messages   the chat's messages, once (read by others too, to show the transcript)
of         a hash of the agents' names, in the order that all numbers below refer to
waiting    the user proxy whose turn it is;  turn: how many batches were submitted before
speaker    who spoke last, if that is not the author of the last message
histories  "a>b": what a remembers of its talk with b, if that is not what `views` expects
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
)
from countersign.agents.classic.histories import decode, encode
from countersign.agents.classic.usage import pack, unpack
from countersign.agents.ports import Position
from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.errors import IntegrityError

VERSION = 3
_READABLE = (1, 2, 3)
_HASH_LENGTH = 8
T = TypeVar("T")
_KNOWN_OF_AGENT = frozenset({
    "_oai_messages", "_human_input", "context_variables", "client", "reply_at_receive",
    "_consecutive_auto_reply_counter", "_max_consecutive_auto_reply_dict", "_last_speaker",
    "client_cache", "previous_cache", "_tools", "_function_map", "_reply_func_list",
})  # fmt: skip
_KNOWN_OF_GROUP = frozenset({"agents", "messages", "max_round", "send_introductions"})
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_encode_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def dump(chat: Chat, group: GroupChat | None, baseline: Baseline, position: Position) -> str:
    """The state of the chat as JSON. Raises TypeError if a message holds what JSON cannot."""
    base = _messages(chat)
    number = {id(agent): index for index, agent in enumerate(chat.agents)}
    names = [agent.name for agent in chat.agents]
    state: dict[str, Any] = {"v": VERSION, "messages": base, "of": _hash(names)}
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
        "histories": _histories(chat, number, base),
        "limits": _pairs(chat, number, "_max_consecutive_auto_reply_dict", _limit),
        "human": _each(chat, lambda a: list(a._human_input)),
        "context": _each(chat, lambda a: a.context_variables.to_dict()),
        "usage": _each(chat, _usage),
        "extra": _each(chat, lambda a: baseline.changes(a, _KNOWN_OF_AGENT)),
    }
    if group is not None:
        fields["group"] = baseline.changes(group, _KNOWN_OF_GROUP)
    state.update({name: value for name, value in fields.items() if value})
    return _text(state, _encode_json)


def transcript(chat: Chat) -> str:
    """The chat's messages as the one text whose SHA-256 goes on the ledger."""
    return _text(_messages(chat), _encode_sorted)


def restore(text: str, chat: Chat, group: GroupChat | None) -> Position:
    """Bring a chat that is as built into the stored state. Raises IntegrityError if it cannot."""
    state = json.loads(text)
    version = state.get("v")
    if version not in _READABLE:
        raise IntegrityError(f"The session was stored in format {version}, not {VERSION}.")
    names = [agent.name for agent in chat.agents]
    if (state["agents"] != names) if version == 1 else (state["of"] != _hash(names)):
        raise IntegrityError(
            "The session was stored by other agents than the workflow has now, which are "
            f"{', '.join(names)}. Start a new session."
        )
    base = state["messages"]
    _put_histories(
        chat,
        state.get("histories", {}),
        base,
        {} if version == 1 else _by_key(expected(chat, base)),
    )
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
    return Position(waiting, state.get("turn", 0))


_SINGLE = ("human", "context", "usage", "extra")


def _messages(chat: Chat) -> list[Message]:
    """The messages, each with its author: in two-agent chats AutoGen leaves some names off."""
    if chat.manager is not None:
        return chat.messages
    return [
        message if message.get("name") else {**message, "name": chat.author(index)}
        for index, message in enumerate(chat.messages)
    ]


def _last_author(names: Sequence[str], chat: Chat, base: Sequence[Message]) -> int | None:
    """Whom AutoGen takes for the last speaker; nobody in a chat without a manager."""
    if chat.manager is None or not base or base[-1].get("name") not in names:
        return None
    return names.index(base[-1]["name"])


def _histories(chat: Chat, number: Mapping[int, int], base: Sequence[Message]) -> dict[str, Any]:
    """What differs from the expected histories, and everything that is not expected."""
    views, stored = _by_key(expected(chat, base)), {}
    for index, agent in enumerate(chat.agents):
        for other, history in agent._oai_messages.items():
            if id(other) in number:
                pair = _key((index, number[id(other)]))
                view = views.pop(pair, None)
                encoded = encode(history, base if view is None else view)
                if encoded != (0 if view is None else len(view)):
                    stored[pair] = encoded
    return stored | {pair: 0 for pair, view in views.items() if view}


def _put_histories(
    chat: Chat,
    stored: Mapping[str, Any],
    base: Sequence[Message],
    views: Mapping[str, Sequence[Message]],
) -> None:
    expected_lengths = {pair: len(view) for pair, view in views.items()}
    for pair, history in {**expected_lengths, **stored}.items():
        agent, other = _of(chat, pair)
        agent._oai_messages[other] = decode(history, views.get(pair, base))


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


def _of(chat: Chat, pair: str) -> tuple[ConversableAgent, ConversableAgent]:
    left, _, right = pair.partition(">")
    return chat.agents[int(left)], chat.agents[int(right)]


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


def _text(value: Any, encode_json: Callable[[Any], str]) -> str:
    text = encode_json(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate from a model: keep it, escaped
        return json.dumps(value, separators=(",", ":"), sort_keys=encode_json is _encode_sorted)
    return text
