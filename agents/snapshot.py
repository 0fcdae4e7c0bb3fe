"""The whole state of a paused chat as one JSON text, and back.

v          version of this format
messages   the chat's messages, once (read by others too, to show the transcript)
agents     names in the order that all numbers below refer to
waiting    the user proxy whose turn it is;  turn: how many batches were submitted before
speaker    who spoke last
histories  "a>b": what a remembers of its talk with b, as a difference from `messages`
counters, limits, replies   consecutive auto replies, changed limits, who answers whom
human, context, usage       human inputs, context variables, model usage by agent
extra      other attributes that changed since the chat was built
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from autogen import ConversableAgent, GroupChat

from agents.baseline import Baseline
from agents.chat import Chat, Message
from agents.histories import decode, encode
from approvals.errors import IntegrityError

VERSION = 1
_KNOWN_OF_AGENT = frozenset({
    "_oai_messages", "_human_input", "context_variables", "client", "reply_at_receive",
    "_consecutive_auto_reply_counter", "_max_consecutive_auto_reply_dict", "_last_speaker",
    "client_cache", "previous_cache", "_tools", "_function_map", "_reply_func_list",
})  # fmt: skip
_KNOWN_OF_GROUP = frozenset({"agents", "messages", "max_round", "send_introductions"})
_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Position:
    """Where a chat stands: whose turn it is, and how many batches were submitted before."""

    waiting: str
    turn: int


def take(chat: Chat, group: GroupChat | None, baseline: Baseline, position: Position) -> str:
    """The state of the chat as JSON. Raises TypeError if a message holds what JSON cannot."""
    base = _messages(chat)
    number = {id(agent): index for index, agent in enumerate(chat.agents)}
    names = [agent.name for agent in chat.agents]
    state: dict[str, Any] = {
        "v": VERSION,
        "messages": base,
        "agents": names,
        "waiting": names.index(position.waiting),
        "turn": position.turn,
        "speaker": number.get(id(getattr(chat.manager, "_last_speaker", None))),
    }
    fields: dict[str, dict[str, Any]] = {
        "histories": _pairs(chat, number, "_oai_messages", lambda _, m: m and encode(m, base)),
        "counters": _pairs(chat, number, "_consecutive_auto_reply_counter", lambda _, n: n),
        "limits": _pairs(chat, number, "_max_consecutive_auto_reply_dict", _limit),
        "replies": _pairs(chat, number, "reply_at_receive", lambda _, flag: int(flag)),
        "human": _each(chat, lambda a: list(a._human_input)),
        "context": _each(chat, lambda a: a.context_variables.to_dict()),
        "usage": _each(chat, _usage),
        "extra": _each(chat, lambda a: baseline.changes(a, _KNOWN_OF_AGENT)),
    }
    if group is not None:
        fields["group"] = baseline.changes(group, _KNOWN_OF_GROUP)
    state.update({name: value for name, value in fields.items() if value})
    return _text(state)


def transcript(chat: Chat) -> str:
    """The chat's messages as the one text whose SHA-256 goes on the ledger."""
    return _text(_messages(chat), sort_keys=True)


def put(text: str, chat: Chat, group: GroupChat | None) -> Position:
    """Bring a chat that is as built into the stored state. Raises IntegrityError if it cannot."""
    state = json.loads(text)
    if state.get("v") != VERSION:
        raise IntegrityError(f"The session was stored in format {state.get('v')}, not {VERSION}.")
    if state["agents"] != [agent.name for agent in chat.agents]:
        raise IntegrityError(
            f"The session was stored by the agents {', '.join(state['agents'])}, but the workflow "
            f"now has {', '.join(agent.name for agent in chat.agents)}. Start a new session."
        )
    base = state["messages"]
    for pair, history in state.get("histories", {}).items():
        agent, other = _of(chat, pair)
        agent._oai_messages[other] = decode(history, base)
    for name, attribute in _PAIRS.items():
        for pair, value in state.get(name, {}).items():
            agent, other = _of(chat, pair)
            getattr(agent, attribute)[other] = _STORED[name](value)
    for index, agent in enumerate(chat.agents):
        _put_agent(agent, {name: state.get(name, {}).get(str(index)) for name in _SINGLE})
    if group is not None:
        group.messages[:] = [dict(message) for message in base]
        vars(group).update(state.get("group", {}))
    if chat.manager is not None and state["speaker"] is not None:
        chat.manager._last_speaker = chat.agents[state["speaker"]]
    return Position(waiting=state["agents"][state["waiting"]], turn=state["turn"])


_PAIRS = {
    "counters": "_consecutive_auto_reply_counter",
    "limits": "_max_consecutive_auto_reply_dict",
    "replies": "reply_at_receive",
}
_STORED: dict[str, Callable[[Any], Any]] = {
    "counters": int,
    "limits": itemgetter(0),
    "replies": bool,
}
_SINGLE = ("human", "context", "usage", "extra")


def _messages(chat: Chat) -> list[Message]:
    """The messages, each with its author: in two-agent chats AutoGen leaves some names off."""
    if chat.manager is not None:
        return chat.messages
    return [
        message if message.get("name") else {**message, "name": chat.author(index)}
        for index, message in enumerate(chat.messages)
    ]


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
                found[f"{index}>{number[id(other)]}"] = converted
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
    return [total] if total == actual else [total, actual]


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
        agent.client.total_usage_summary = total
        agent.client.actual_usage_summary = actual[0] if actual else copy.deepcopy(total)
    vars(agent).update(stored["extra"] or {})


def _text(value: Any, *, sort_keys: bool = False) -> str:
    if sort_keys:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    else:
        text = _encode_json(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate from a model: keep it, escaped
        return json.dumps(value, separators=(",", ":"), sort_keys=sort_keys)
    return text
