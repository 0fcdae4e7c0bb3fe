"""The tools of a chat: what each accepts, and the rationale that a model must give with it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from autogen import ConversableAgent
from autogen.tools.function_utils import get_function_schema

from agents.calls import RATIONALE
from agents.chat import Chat
from agents.gatekeeper import ApprovalProxy
from agents.permit import SealedTool
from approvals.models import JsonObject

_RATIONALE_SCHEMA = {
    "type": "string",
    "description": "Why this call is right now, in one or two sentences. A person reads it.",
}


def schemas(chat: Chat) -> dict[str, JsonObject]:
    """What the tools of the chat's proxies take, as JSON Schema without the rationale."""
    offered: dict[str, JsonObject] = {}
    for agent in chat.agents:
        for function in offered_functions(agent):
            offered.setdefault(function["name"], function.get("parameters") or {})
    found: dict[str, JsonObject] = {}
    for proxy in (a for a in chat.agents if isinstance(a, ApprovalProxy)):
        for name, tool in proxy.function_map.items():
            if isinstance(tool, SealedTool) and name not in found:
                parameters = offered[name] if name in offered else _of_function(name, tool)
                found[name] = {"additionalProperties": False, **copy.deepcopy(parameters)}
    return found


def offered_functions(agent: ConversableAgent) -> Iterator[JsonObject]:
    """The function schemas that the agent's model is shown, in both styles."""
    config: Any = agent.llm_config or {}
    for tool in config.get("tools") or ():
        yield tool["function"]
    yield from config.get("functions") or ()


def require_rationale(chat: Chat, tools: Iterable[str], needed: Callable[[str], bool]) -> None:
    """Make the model say why for each of `tools` that needs it. Once per built chat.

    Works on copies: the schema objects may be shared between agents and chats. The client is
    changed in place instead of being built again, which would forget custom model clients.
    """
    wanted = frozenset(tool for tool in tools if needed(tool))
    for agent in chat.agents:
        if not agent.llm_config or agent.client is None:
            continue
        for key in ("tools", "functions"):
            entries = agent.llm_config.get(key)
            if not entries:
                continue
            asking = [_asking(entry, wanted) for entry in entries]
            agent.llm_config[key] = asking
            for config in agent.client._config_list:
                if config.get(key):
                    config[key] = [_asking(entry, wanted) for entry in config[key]]


def _asking(entry: JsonObject, wanted: frozenset[str]) -> JsonObject:
    function = entry["function"] if "function" in entry else entry
    parameters = function.get("parameters") or {}
    if function["name"] not in wanted or RATIONALE in parameters.get("properties", {}):
        return entry
    entry = copy.deepcopy(entry)
    function = entry["function"] if "function" in entry else entry
    parameters = function.setdefault("parameters", {"type": "object"})
    parameters.setdefault("properties", {})[RATIONALE] = dict(_RATIONALE_SCHEMA)
    parameters["required"] = [*parameters.get("required", ()), RATIONALE]
    return entry


def _of_function(name: str, tool: SealedTool) -> JsonObject:
    body: Any = getattr(tool.body, "_origin", tool.body)
    schema: JsonObject = get_function_schema(body, name=name, description=name)
    parameters: JsonObject = schema["function"]["parameters"]
    return parameters
