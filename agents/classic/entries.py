"""Guards on AutoGen's ways to execute something: is this part of an execution?

The one place that changes classes of AutoGen, once per process: docs/adr/0017-beside-the-gate.md
says why nothing else would do. Outside of sessions, and inside claimed executions, every method
does exactly what it did.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from autogen import ConversableAgent
from autogen.coding import CodeExecutor
from autogen.oai.client import OpenAIWrapper
from autogen.tools import Tool

from countersign.agents.classic.built_in_tools import built_in_tools
from countersign.agents.guard import contexts
from countersign.agents.guard.methods import guard


def _function(owner: type, agent: Any, func_call: Any = None, *_: Any, **__: Any) -> None:
    if contexts.is_free(agent):
        return
    name = func_call.get("name", "") if isinstance(func_call, dict) else str(func_call)
    if owner is not ConversableAgent or name in agent._function_map:  # else: "not found"
        contexts.forbid(f"call {name}", f"{owner.__name__} executes functions", agent)


def _code(owner: type, agent: Any, *_: Any, **__: Any) -> None:
    contexts.forbid("run code", f"{owner.__name__} executes code", agent)


def _code_of_a_message(
    owner: type,
    agent: Any,
    messages: list[dict[str, Any]] | None = None,
    sender: Any = None,
    config: Any = None,
) -> None:
    """With an executor of whatever class, which need not be one of AutoGen's."""
    if agent._code_execution_config is False or contexts.is_free(agent):
        return
    executor = agent._code_executor
    for message in agent._oai_messages[sender] if messages is None else messages:
        text = message.get("content")
        if text and executor.code_extractor.extract_code_blocks(text):
            contexts.forbid("run code", f"its executor is a {type(executor).__name__}", agent)


def _hosted(owner: type, agent: Any, *_: Any, **__: Any) -> None:
    contexts.forbid("run tools at the model's provider", f"it is a {owner.__name__}", agent)


_OF_AGENTS: dict[str, Callable[..., None]] = {
    "execute_function": _function,
    "a_execute_function": _function,
    "run_code": _code,
    "execute_code_blocks": _code,
    "_generate_code_execution_reply_using_executor": _code_of_a_message,
    "_invoke_assistant": _hosted,
}


def guard_agents(kind: type) -> None:
    """Guard what a class of agents and its bases define. A subclass may not call its base."""
    if kind in _guarded:
        return
    for owner in kind.__mro__:
        if issubclass(owner, ConversableAgent) and owner not in _guarded:
            for name, refuse in _OF_AGENTS.items():
                guard(owner, name, partial(refuse, owner))
    _guarded.add(kind)


_guarded: set[type] = set()


def guard_executors() -> None:
    """Guard every class of code executors that there is by now."""
    found: set[type] = {CodeExecutor}
    # Copies, because other threads may import meanwhile: `copy` is one step of the interpreter,
    # `list(….items())` is not (collecting garbage in between runs other code).
    for name, module in sys.modules.copy().items():
        if name.startswith("autogen.coding"):
            found |= set(filter(inspect.isclass, vars(module).copy().values()))
    for root in list(found):
        if hasattr(root, _EXECUTES):
            for owner in (root, *_below(root)):
                guard(owner, _EXECUTES, partial(_executor, owner))


_EXECUTES = "execute_code_blocks"


def _executor(owner: type, *_: Any, **__: Any) -> None:
    contexts.forbid("run code", f"a {owner.__name__} executes it")


def _tool(tool: Any, *_: Any, **__: Any) -> None:
    contexts.forbid(f"call {tool.name}", "a Tool is called directly")


def _tools_of_beta(_executor: Any, event: Any, *_: Any, **__: Any) -> None:
    names = ", ".join(call.name for call in event.calls)
    contexts.forbid(f"call {names}", "an agent of autogen.beta executes its own tools")


def _model(wrapper: Any, **config: Any) -> None:
    """Nothing is asked of a model that has tools of its own, nor after a refusal."""
    agent = config.get("agent")
    if contexts.is_free(agent):
        return
    run_context = contexts.run_of(agent)
    if run_context is not None:
        run_context.require()
    names = built_in_tools(config, *wrapper._config_list)
    if names:
        contexts.forbid(f"run {', '.join(names)}", "tools built into its model client", agent)


def _below(kind: type) -> Iterator[type]:
    one: type
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def install() -> None:
    """Guard AutoGen in this process; executors are guarded with each chat. Harmless to repeat."""
    guard(Tool, "__call__", _tool)
    if (beta := _beta()) is not None:
        guard(beta, "execute_tools", _tools_of_beta)
    guard(OpenAIWrapper, "create", _model)
    for kind in (ConversableAgent, *_below(ConversableAgent)):
        guard_agents(kind)
    guard(ConversableAgent, "__init__", _made)


def _beta() -> type | None:
    """What executes the tools of agents of `autogen.beta`; None in 0.9, which has none."""
    try:
        return importlib.import_module("autogen.beta.tools.executor").ToolExecutor  # type: ignore[no-any-return]
    except ImportError:
        return None


def _made(agent: Any, *_: Any, **__: Any) -> None:
    """An agent belongs where it is made, and its class may be new."""
    guard_agents(type(agent))
    contexts.made(agent)
