"""A short hash of what a chat is made of, so that a stored session meets the chat it began with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign.agents.classic.chat import Chat
from countersign.agents.classic.tools import offered_functions
from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.models import JsonObject

_DIGITS = 12


def fingerprint(chat: Chat) -> str:
    """Hex digits over the agents, the names of their tools, executors, and the group's rules.

    What a tool takes has a version of its own in every request: where it changed, what waits is
    asked again and the session goes on. Instructions are left out, since many contain the date,
    and so is the model: a waiting session goes on under the new ones. Raise the workflow's
    declared version where that would be wrong.
    """
    return _hash(_parts(chat, []))


def fingerprint_with_schemas(chat: Chat, schemas: Mapping[str, JsonObject]) -> str:
    """As it was before tools had versions: sessions that began then still carry it."""
    return _hash(_parts(chat, [sorted(schemas.items())]))


def fingerprint_of_parallel(chats: Mapping[str, Chat]) -> str:
    """The same over chats that work side by side, in their order."""
    return _hash([[name, fingerprint(chat)] for name, chat in chats.items()])


def _parts(chat: Chat, tools: list[Any]) -> list[Any]:
    group = chat.group
    parts: list[Any] = [
        [
            agent.name,
            type(agent).__name__,
            getattr(agent, "human_input_mode", ""),
            sorted(agent.function_map),
            sorted(function["name"] for function in offered_functions(agent)),
        ]
        for agent in chat.agents
    ]
    parts.extend(tools)
    if group is not None:
        method = group.speaker_selection_method
        parts.append([group.max_round, method if isinstance(method, str) else "custom"])
    if chat.max_turns is not None:
        parts.append(["max_turns", chat.max_turns])
    return parts


def _hash(parts: list[Any]) -> str:
    return sha256_hex(repr(parts).encode("utf-8", "backslashreplace"))[:_DIGITS]
