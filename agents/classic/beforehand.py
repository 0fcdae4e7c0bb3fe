"""Offers agents the tool by which they ask what would become of a call."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from autogen import ConversableAgent

from countersign.agents.asking_beforehand import DESCRIPTION, SCHEMA, TOOL, would_need_approval
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.classic.tools import offered_to
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import JsonObject

TAKEN = (
    f"workflow {{workflow}}: {{agent}} has a tool {TOOL} of its own, which is the name of the one "
    "that ask_beforehand offers. Rename it."
)


def offer(chat: Chat, workflow: str) -> None:
    """Offer it to every agent that may call a tool of a proxy with `ask_beforehand`. Once per built
    chat. Raises ConfigurationError where the name is taken."""
    for proxy in _asked(chat):
        if TOOL in proxy.function_map:
            raise ConfigurationError([TAKEN.format(workflow=workflow, agent=proxy.name)])
        own = set(proxy.function_map)
        proxy.register_function({TOOL: would_need_approval})
        for agent in chat.agents:
            if offered_to(agent) & own and TOOL not in offered_to(agent):
                _show(agent)


def _asked(chat: Chat) -> Iterator[ApprovalProxy]:
    for agent in chat.agents:
        if isinstance(agent, ApprovalProxy) and agent.asks_beforehand:
            yield agent


def _show(agent: ConversableAgent) -> None:
    """Like the other tools that the agent's model is shown: on copies, in both styles."""
    shown: Any = agent.llm_config
    key = "tools" if shown.get("tools") else "functions"
    configs: list[Any] = [shown, *(getattr(agent.client, "_config_list", None) or ())]
    for config in configs:
        if config.get(key):
            config[key] = [*config[key], _entry(key)]


def _entry(key: str) -> JsonObject:
    function = {"name": TOOL, "description": DESCRIPTION, "parameters": copy.deepcopy(SCHEMA)}
    return {"type": "function", "function": function} if key == "tools" else function
