"""The tools of a chat: what each accepts, and the rationale that a model must give with it."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autogen import ConversableAgent

from countersign.agents.calls import RATIONALE
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.functions import Functions
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.tools.permit import SealedTool
from countersign.agents.values.effective import ToolParameters
from countersign.agents.values.signature import NotGuardableError, descriptions
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import JsonObject

_RATIONALE_SCHEMA = {
    "type": "string",
    "description": "Why this call is right now, in one or two sentences. A person reads it.",
}


def parameters(chat: Chat, workflow: str) -> dict[str, ToolParameters]:
    """What the tools of the chat's proxies take.

    Raises ConfigurationError with every tool and parameter that cannot be shown faithfully.
    """
    offered = _offered(chat)
    found: dict[str, ToolParameters] = {}
    problems: list[str] = []
    for name, tool in _sealed(chat):
        try:
            tool.offer(copy.deepcopy(offered[name] if name in offered else tool.described()))
        except NotGuardableError as exc:
            problems.append(f"workflow {workflow}: {name} cannot be guarded: {exc}.")
        else:
            found.setdefault(name, tool.parameters)
    if problems:
        raise ConfigurationError(problems)
    return found


MADE_ANEW = (
    "workflow {workflow}: {tool} cannot be guarded: {names} is another one in each chat that is "
    "built, so what people read is not what would run. Have the agents pass it as an argument, or "
    "make it in the body of the function."
)


def require_the_same(
    workflow: str, one: Mapping[str, ToolParameters], other: Mapping[str, ToolParameters]
) -> None:
    """Two chats of one workflow have to take and fill in the same: people approve in one what may
    run in another. Raises ConfigurationError with every tool and parameter that is made anew."""
    problems = [
        MADE_ANEW.format(workflow=workflow, tool=tool, names=", ".join(names))
        for tool in one.keys() & other.keys()
        if (names := one[tool].made_anew(other[tool]))
    ]
    if problems:
        raise ConfigurationError(sorted(problems))


def undescribed(chat: Chat) -> dict[str, list[str]]:
    """The arguments, by tool, of which models are not shown what the function's author has written.

    AutoGen evaluates annotations that are text (`from __future__ import annotations`) in a module
    of its own, where `Annotated` and whatever else they name is not known.
    """
    offered, found = _offered(chat), {}
    for name, tool in _sealed(chat):
        shown = offered.get(name, {}).get("properties", {})
        lost = [
            each
            for each, text in descriptions(Functions().users_own(tool.body)[0]).items()
            if each in shown and shown[each].get("description") == each != text
        ]
        if lost:
            found[name] = lost
    return found


def versions(tools: Mapping[str, ToolParameters]) -> dict[str, str]:
    """What names what each tool takes and fills in."""
    return {name: tool.version for name, tool in tools.items()}


def schemas_before_versions(chat: Chat) -> dict[str, JsonObject]:
    """The schemas as they were part of a workflow's version until tools had one of their own."""
    offered = _offered(chat)
    return {
        name: {"additionalProperties": False, **(offered.get(name) or tool.described())}
        for name, tool in reversed(list(_sealed(chat)))
    }


def bodies(chat: Chat) -> Iterator[tuple[str, object]]:
    """Each tool with the function that it is; AutoGen wraps one anew for every agent."""
    for name, tool in _sealed(chat):
        yield name, inspect.unwrap(tool.body)


def _offered(chat: Chat) -> dict[str, JsonObject]:
    offered: dict[str, JsonObject] = {}
    for agent in chat.agents:
        for function in offered_functions(agent):
            offered.setdefault(function["name"], function.get("parameters") or {})
    return offered


def _sealed(chat: Chat) -> Iterator[tuple[str, SealedTool]]:
    for proxy in (agent for agent in chat.agents if isinstance(agent, ApprovalProxy)):
        for name, tool in proxy.function_map.items():
            if isinstance(tool, SealedTool):
                yield name, tool


def offered_functions(agent: ConversableAgent) -> Iterator[JsonObject]:
    """The function schemas that the agent's model is shown, in both styles."""
    config: Any = agent.llm_config or {}
    for tool in config.get("tools") or ():
        if "function" in tool:  # others are built into the model client: see `topology`
            yield tool["function"]
    yield from config.get("functions") or ()


def offered_to(agent: ConversableAgent) -> frozenset[str]:
    """The names of the tools that the agent's model is shown."""
    return frozenset(str(function["name"]) for function in offered_functions(agent))


def show(chat: Chat, tools: Mapping[str, ToolParameters], needed: Callable[[str], bool]) -> None:
    """Show models what the tools take, whole, and make them say why where `needed`.

    Once per built chat.

    Works on copies: the schema objects may be shared between agents and chats. The client is
    changed in place instead of being built again, which would forget custom model clients.
    """
    wanted = frozenset(tool for tool in tools if needed(tool))
    shown = {name: tool.shown for name, tool in tools.items()}
    for agent in chat.agents:
        if not agent.llm_config or agent.client is None:
            continue
        for key in ("tools", "functions"):
            entries = agent.llm_config.get(key)
            if not entries:
                continue
            asking = [_asking(_whole(entry, shown), wanted) for entry in entries]
            agent.llm_config[key] = asking
            for config in agent.client._config_list:
                if config.get(key):
                    config[key] = [_asking(_whole(e, shown), wanted) for e in config[key]]


def _whole(entry: JsonObject, shown: Mapping[str, JsonObject]) -> JsonObject:
    function = entry["function"] if "function" in entry else entry
    parameters = shown.get(function["name"], function.get("parameters"))
    if parameters == function.get("parameters"):
        return entry
    function = {**function, "parameters": copy.deepcopy(parameters)}
    return {**entry, "function": function} if "function" in entry else function


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
