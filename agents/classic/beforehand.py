"""Offers agents the tools of the gate itself: what would become of a call, and plans of calls."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from autogen import ConversableAgent

from countersign.agents import asking_beforehand, plans
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.classic.tools import offered_to
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import JsonObject, Reversibility

TAKEN = (
    "workflow {workflow}: {agent} has a tool {tool} of its own, which is the name of the one "
    "that {option} offers. Rename it."
)


def offer(chat: Chat, workflow: str) -> None:
    """Offer `would_need_approval` to every agent that may call a tool of a proxy with
    `ask_beforehand`. Once per built chat, after the tools of the chat are known, for it is none.
    Raises ConfigurationError where the name is taken."""
    function = {
        "name": asking_beforehand.TOOL,
        "description": asking_beforehand.DESCRIPTION,
        "parameters": asking_beforehand.SCHEMA,
    }
    for proxy in _proxies(chat):
        if proxy.asks_beforehand:
            body = asking_beforehand.would_need_approval
            _offer(chat, workflow, proxy, body, function, "ask_beforehand")


def offer_plans(chat: Chat, workflow: str) -> None:
    """Offer `propose_plan` to every agent that may call a tool of a proxy with `plans`; it is a
    tool of the chat from then on. Once per built chat. Raises ConfigurationError likewise."""
    function = {
        "name": plans.TOOL,
        "description": plans.DESCRIPTION,
        "parameters": plans.schema(),
    }
    for proxy in _proxies(chat):
        if proxy.plans:
            _offer(chat, workflow, proxy, plans.propose_plan, function, "plans")
            proxy.previews[plans.TOOL] = plans.preview
            proxy.idempotent |= {plans.TOOL}
            proxy.reversibility[plans.TOOL] = Reversibility.REVERSIBLE


def _proxies(chat: Chat) -> list[ApprovalProxy]:
    return [agent for agent in chat.agents if isinstance(agent, ApprovalProxy)]


def _offer(
    chat: Chat,
    workflow: str,
    proxy: ApprovalProxy,
    body: Callable[..., Any],
    function: JsonObject,
    option: str,
) -> None:
    name = function["name"]
    if name in proxy.function_map:
        said = TAKEN.format(workflow=workflow, agent=proxy.name, tool=name, option=option)
        raise ConfigurationError([said])
    own = set(proxy.function_map)
    proxy.register_function({name: body})
    for agent in chat.agents:
        if offered_to(agent) & own and name not in offered_to(agent):
            _show(agent, function)


def _show(agent: ConversableAgent, function: JsonObject) -> None:
    """Like the other tools that the agent's model is shown: on copies, in both styles."""
    shown: Any = agent.llm_config
    key = "tools" if shown.get("tools") else "functions"
    configs: list[Any] = [shown, *(getattr(agent.client, "_config_list", None) or ())]
    for config in configs:
        if config.get(key):
            config[key] = [*config[key], _entry(key, function)]


def _entry(key: str, function: JsonObject) -> JsonObject:
    function = copy.deepcopy(function)
    return {"type": "function", "function": function} if key == "tools" else function
