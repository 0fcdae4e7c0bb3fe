"""The complete state of a chat as plain values, found by walking and not by a list of names."""

from __future__ import annotations

from collections import deque
from typing import Any

from autogen import ConversableAgent, GroupChat

from countersign.agents.classic.built import BuiltChat

COUNTS_TWICE = not hasattr(ConversableAgent, "_get_sync_funcs_to_skip_in_async_chat")
"""pyautogen 0.9 counts every reply in an async chat twice."""
OPAQUE = ("openai", "httpx", "httpcore", "ssl")


def deep_state(built: BuiltChat) -> dict[str, Any]:
    """Every attribute of every agent and of all that hangs on them, by path."""
    found: dict[str, Any] = {}
    seen: dict[int, str] = {}
    for agent in built.chat.agents:
        _walk(agent, agent.name, found, seen)
    return found


def _walk(thing: Any, path: str, found: dict[str, Any], seen: dict[int, str]) -> None:
    if isinstance(thing, str | int | float | bool | bytes | type(None)):
        found[path] = thing
        return
    if id(thing) in seen:
        found[path] = f"-> {seen[id(thing)]}"
        return
    seen[id(thing)] = path
    kind = type(thing)
    found[path] = kind.__qualname__
    if isinstance(thing, dict):
        # Reading a defaultdict leaves an entry behind; an empty one says the same as none.
        for key, value in thing.items():
            if value or not hasattr(thing, "default_factory"):
                _walk(value, f"{path}[{_key(key)}]", found, seen)
    elif isinstance(thing, list | tuple | deque):
        for index, value in enumerate(thing):
            _walk(value, f"{path}[{index}]", found, seen)
    elif isinstance(thing, set | frozenset):
        found[path] = sorted(map(repr, thing))
    elif hasattr(thing, "__dict__") and kind.__module__.partition(".")[0] not in OPAQUE:
        if not hasattr(thing, "__code__") and not isinstance(thing, type):
            for name, value in vars(thing).items():
                _walk(value, f"{path}.{name}", found, seen)


def _key(key: Any) -> str:
    return key.name if isinstance(key, ConversableAgent) else repr(key)


def remembered(built: BuiltChat, group: GroupChat | None) -> dict[str, Any]:
    """What a snapshot has to bring back: histories, counters, inputs, context, usage, turns."""
    state: dict[str, Any] = {}
    for agent in built.chat.agents:
        state[agent.name] = {
            "histories": {k.name: v for k, v in agent._oai_messages.items() if v},
            "counters": {k.name: v for k, v in agent._consecutive_auto_reply_counter.items() if v},
            "limits": {
                k.name: v
                for k, v in agent._max_consecutive_auto_reply_dict.items()
                if v != agent.max_consecutive_auto_reply()
            },
            "replies": sorted(k.name for k, v in agent.reply_at_receive.items() if v),
            "human": list(agent._human_input),
            "context": agent.context_variables.to_dict(),
            "usage": agent.client
            and [agent.client.total_usage_summary, agent.client.actual_usage_summary],
            "system": agent.system_message,
            "notes": getattr(agent, "notes", None),
        }
    if group is not None and built.chat.manager is not None:
        last = built.chat.manager.last_speaker
        state["group"] = {
            "messages": group.messages,
            "last": None if last is None else last.name,
            "turns": getattr(group, "turns", None),
        }
    return state
