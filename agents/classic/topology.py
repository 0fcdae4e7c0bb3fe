"""Refuses chats in which a tool could run without passing the gate, or could never run."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from autogen import ConversableAgent, GroupChatManager

from countersign.agents.classic.answering import answers_elsewhere
from countersign.agents.classic.built_in_tools import built_in_tools
from countersign.agents.classic.chat import Chat, conversable, nested_chats
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.classic.reach import Reach, reach
from countersign.agents.classic.tools import offered_functions
from countersign.agents.tools.checks import faults
from countersign.agents.tools.permit import SealedTool
from countersign.approvals.errors import ConfigurationError


def check(chat: Chat, name: str, found: Reach | None = None) -> None:
    """Return if the chat is safe. Raises ConfigurationError with every problem and what to do.

    `found` is all that the chat holds, where the caller knows it.
    """
    held = reach(chat.agents) if found is None else found
    said = (*_problems(chat), *_of_hidden(chat, held))
    problems = [f"workflow {name}: {problem}" for problem in said]
    if problems:
        raise ConfigurationError(problems)


def _problems(chat: Chat) -> Iterator[str]:
    proxies = [agent for agent in chat.agents if isinstance(agent, ApprovalProxy)]
    if not proxies:
        yield "no agent is an ApprovalProxy. Use one instead of UserProxyAgent to execute tools."
    for agent_name, count in Counter(agent.name for agent in chat.agents).items():
        if count > 1:
            yield f"{count} agents are named {agent_name}. Give each its own name."
    for agent in chat.agents:
        yield from _of_agent(agent)
    yield from _of_tools(chat, proxies)
    yield from _of_group(chat, proxies)
    yield from _of_nesting(chat)


def _of_agent(agent: ConversableAgent) -> Iterator[str]:
    yield from _of_execution(agent)
    if isinstance(agent, ApprovalProxy):
        yield from _of_proxy(agent)
    elif agent.human_input_mode != "NEVER" and answers_elsewhere(agent) is None:
        yield (
            f"{agent.name} would ask people on the console (human_input_mode="
            f"{agent.human_input_mode}). Set NEVER, or make it an ApprovalProxy."
        )


def _of_execution(agent: ConversableAgent) -> Iterator[str]:
    if agent._code_execution_config is not False or getattr(agent, "_code_executor", None):
        yield f"{agent.name} can execute code. Set code_execution_config=False."
    if agent.function_map and not isinstance(agent, ApprovalProxy):
        names = ", ".join(sorted(agent.function_map))
        yield (
            f"{agent.name} can execute {names} without asking. Register tools for execution only "
            "on an ApprovalProxy (AutoGen's patterns move them elsewhere: use a GroupChat)."
        )
    if names := ", ".join(built_in_tools(*_asked_with(agent))):
        yield (
            f"the model client of {agent.name} executes {names} by itself, and nobody is asked. "
            "Take that out of its llm_config; offer a tool that an ApprovalProxy executes."
        )
    if elsewhere := answers_elsewhere(agent):
        yield (
            f"{agent.name} answers by {elsewhere}, which may execute tools on its own, and nobody "
            "is asked. Use an AssistantAgent: offer it the tools with register_function, and let "
            "an ApprovalProxy execute them."
        )


def _asked_with(agent: ConversableAgent) -> list[dict[str, Any]]:
    """The configurations with which the agent's model is asked."""
    shown: Any = agent.llm_config or {}
    return [{"tools": shown.get("tools")}, *(getattr(agent.client, "_config_list", None) or ())]


def _of_hidden(chat: Chat, held: Reach) -> Iterator[str]:
    """What is in no place where AutoGen itself would look for it."""
    for agent in held.agents:
        if any(agent is known for known in chat.agents):
            continue
        for problem in _of_execution(agent):
            yield f"{problem} It is kept in a closure, a container or an attribute."
        if isinstance(agent, ApprovalProxy):
            yield (
                f"{agent.name} is an ApprovalProxy that is kept in a closure, a container or an "
                "attribute: a pause there cannot be stored. Put it into the chat."
            )
    theirs = [getattr(agent, "_code_executor", None) for agent in held.agents]
    for executor in held.executors:
        if any(executor is one for one in theirs):
            continue  # said of the agent
        yield (
            f"a {type(executor).__name__} can be reached from the chat, and would execute code "
            "without asking. Use it only in the body of a tool of an ApprovalProxy."
        )


def _of_checks(proxy: ApprovalProxy) -> Iterator[str]:
    for kind, looks in (("check", proxy.checks), ("preview", proxy.previews)):
        for tool in sorted(looks.keys() - set(proxy.function_map)):
            yield f"{proxy.name} has a {kind} of {tool}, but does not execute it. Check the name."
        for tool, look in looks.items():
            for fault in faults(f"the {kind} of {tool}", look):
                yield f"{fault}."


def _of_undo(proxy: ApprovalProxy) -> Iterator[str]:
    for tool, undo in sorted(proxy.undo.items()):
        for name in sorted({tool, undo.tool} - set(proxy.function_map)):
            yield (
                f"{proxy.name} undoes {tool} by {undo.tool}, but does not execute {name}. "
                "Register it there for execution."
            )
        for fault in undo.faults():
            yield f"the undo of {tool}: {fault}."
        if undo.expects and undo.tool not in proxy.checks:
            yield (
                f"the undo of {tool} expects {', '.join(undo.expects)}, but {undo.tool} has no "
                "check that finds that. Give it one."
            )


def _of_proxy(proxy: ApprovalProxy) -> Iterator[str]:
    for tool, function in proxy.function_map.items():
        if not isinstance(function, SealedTool) or function.name != tool:
            yield (
                f"{tool} got into {proxy.name} past register_function, so it is not sealed. "
                "Register it with register_for_execution or register_function."
            )
    for tool in sorted(proxy.idempotent - set(proxy.function_map)):
        yield f"{proxy.name} calls {tool} idempotent, but does not execute it. Check the name."
    for tool in sorted(proxy.reversibility.keys() - set(proxy.function_map)):
        yield f"{proxy.name} says how {tool} is undone, but does not execute it. Check the name."
    yield from _of_checks(proxy)
    yield from _of_undo(proxy)
    if isinstance(proxy.harmless, Mapping):
        for tool in sorted(proxy.harmless.keys() - set(proxy.function_map)):
            yield (
                f"{proxy.name} names harmless exceptions of {tool}, but does not execute it. "
                "Check the name."
            )
    first = [entry["reply_func"] for entry in proxy._reply_func_list[:2]]
    if first != [ApprovalProxy.a_gate_reply, ApprovalProxy.gate_reply]:
        yield (
            f"another reply function of {proxy.name} comes before the gate. "
            "Register it with position=2 or later."
        )
    if getattr(proxy, "input_guardrails", None) or getattr(proxy, "output_guardrails", None):
        yield f"{proxy.name} has guardrails, which replace its replies. Put them on the agents."


def _of_tools(chat: Chat, proxies: list[ApprovalProxy]) -> Iterator[str]:
    bodies: dict[str, tuple[str, object]] = {}
    for proxy in proxies:
        for tool, function in proxy.function_map.items():
            # AutoGen wraps a function anew for every agent it is registered on.
            origin: object = inspect.unwrap(getattr(function, "body", function))
            owner, other = bodies.setdefault(tool, (proxy.name, origin))
            if other is not origin:
                yield f"{owner} and {proxy.name} have different tools named {tool}. Rename one."
    accepted: dict[str, object] = {}
    for agent in chat.agents:
        for shown in offered_functions(agent):
            tool, parameters = shown["name"], shown.get("parameters")
            if tool not in bodies:
                yield (
                    f"{agent.name} is offered {tool}, which no ApprovalProxy executes. "
                    "Register it for execution on one."
                )
            if accepted.setdefault(tool, parameters) != parameters:
                yield f"agents are shown different arguments of {tool}. Offer the same function."


def _of_group(chat: Chat, proxies: list[ApprovalProxy]) -> Iterator[str]:
    if isinstance(chat.starter, GroupChatManager):
        yield "the starter is a GroupChatManager. Start with an agent and send to the manager."
    group = chat.group
    if group is None:
        return
    if chat.max_turns is not None:
        yield "a group chat has max_turns, which is for two agents. Set max_round of the GroupChat."
    if not group.func_call_filter:
        yield (
            "the group has func_call_filter=False: a call could go to an agent that cannot "
            "execute it. Leave it on."
        )
    if group.enable_clear_history:
        yield "the group has enable_clear_history: an agent could erase evidence. Leave it off."
    if group.speaker_selection_method == "manual":
        yield "the group selects speakers manually, on the console. Use another method."
    if chat.starter not in group.agents:
        yield f"{chat.starter.name} starts the group chat but is not in it. Add it to agents."
    for proxy in proxies:
        if proxy not in group.agents:
            yield f"{proxy.name} is not in the group, so it never gets a turn. Add it to agents."
    yield from _of_transitions(chat, proxies)


def _of_transitions(chat: Chat, proxies: list[ApprovalProxy]) -> Iterator[str]:
    group = chat.group
    if group is None:
        return
    allowed: Any = group.allowed_speaker_transitions_dict  # typed by name, keyed by agent
    for agent in conversable(group.agents):
        offered = {function["name"] for function in offered_functions(agent)}
        for proxy in proxies:
            needed = offered & set(proxy.function_map)
            if needed and proxy not in allowed.get(agent, ()):
                yield (
                    f"{proxy.name} may not speak after {agent.name}, whose {sorted(needed)[0]} "
                    "it executes. Allow that transition."
                )


def _of_nesting(chat: Chat) -> Iterator[str]:
    for agent in chat.agents:
        for entry in nested_chats(agent):
            inside = Chat(entry.get("sender") or agent, entry["recipient"]).agents
            gated = [a.name for a in inside if a is not agent and isinstance(a, ApprovalProxy)]
            if gated:
                yield (
                    f"{agent.name} holds a nested chat with {', '.join(gated)}: a pause inside it "
                    "cannot be stored. Put the ApprovalProxy into the outer chat."
                )
    if chat.group is not None:
        for member in chat.group.agents:
            if isinstance(member, GroupChatManager):
                yield f"{member.name} is a group within the group. Use one flat group."
