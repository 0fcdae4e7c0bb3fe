"""Unknown reply functions: answers that do not come through AutoGen's guarded ways.

The reply functions of AutoGen that are named here ask a model, talk to agents, or execute what
`agents.classic.entries` guards. Others let a framework or a server answer, with tools of its own
(read in AutoGen 0.9.9 and 0.14.1 on 2026-11-29). The workflow's own functions are its own business.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any

from autogen import ConversableAgent

from countersign.agents.guard.harmless import closure
from countersign.agents.guard.libraries import AUTOGEN

_CONTRIB = "autogen.agentchat.contrib."
_KNOWN = (
    "autogen.agentchat.assistant_agent",
    "autogen.agentchat.conversable_agent",
    "autogen.agentchat.group.",
    "autogen.agentchat.groupchat",
    "autogen.agentchat.user_proxy_agent",
    "autogen.agents.contrib.",
    "autogen.agents.experimental.",
    f"{_CONTRIB}agent_eval.",
    f"{_CONTRIB}capabilities.",
    f"{_CONTRIB}captainagent.",
    f"{_CONTRIB}graph_rag.",
    f"{_CONTRIB}llava_agent",
    f"{_CONTRIB}math_user_proxy_agent",
    f"{_CONTRIB}multimodal_conversable_agent",
    f"{_CONTRIB}qdrant_retrieve_user_proxy_agent",
    f"{_CONTRIB}retrieve_assistant_agent",
    f"{_CONTRIB}retrieve_user_proxy_agent",
    f"{_CONTRIB}society_of_mind_agent",
    f"{_CONTRIB}swarm_agent",
    f"{_CONTRIB}text_analyzer_agent",
    f"{_CONTRIB}web_surfer",
)
_TRACES = "autogen.opentelemetry."
"""Wraps reply functions."""
_REPLIES = ("generate_reply", "a_generate_reply", "generate_oai_reply", "a_generate_oai_reply")


def answers_elsewhere(agent: ConversableAgent) -> str | None:
    """The first function, by name and module, that answers for this agent in an unknown way."""
    owners = [each for each in type(agent).__mro__ if issubclass(each, ConversableAgent)]
    methods = [vars(owner).get(name) for owner in owners for name in _REPLIES]
    for function in (*(entry["reply_func"] for entry in agent._reply_func_list), *methods):
        for each in _wrapped(function):
            if each.__module__.partition(".")[0] == AUTOGEN and not _is_known(each.__module__):
                return f"{each.__qualname__} of {each.__module__}"
    return None


def _is_known(module: str) -> bool:
    return module.startswith((*_KNOWN, _TRACES))


def _wrapped(function: Any) -> Iterator[FunctionType]:
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(getattr(function, "__func__", function)) if function else None
    if isinstance(function, FunctionType):
        yield function
        if function.__module__.startswith(_TRACES):
            for held in closure(function):
                if held is not function:
                    yield from _wrapped(held)
