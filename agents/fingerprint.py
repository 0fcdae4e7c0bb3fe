"""A short hash of what a chat is made of, so that a stored session meets the chat it began with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.chat import Chat
from agents.tools import offered_functions
from approvals.canonical import sha256_hex
from approvals.models import JsonObject

_DIGITS = 12


def fingerprint(chat: Chat, schemas: Mapping[str, JsonObject]) -> str:
    """Hex digits over the agents, their tools and executors, and the group's rules.

    Instructions are left out, since many contain the date, and so is the model: a waiting session
    goes on under the new ones. Raise the workflow's declared version where that would be wrong.
    """
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
    parts.append(sorted(schemas.items()))
    if group is not None:
        method = group.speaker_selection_method
        parts.append([group.max_round, method if isinstance(method, str) else "custom"])
    return sha256_hex(repr(parts).encode("utf-8", "backslashreplace"))[:_DIGITS]
