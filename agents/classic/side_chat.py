"""A side conversation with one agent of a restored AutoGen chat, on copies of what it has heard.

Its model is asked with the agent's own messages, hooks and client, as AutoGen would ask it; what is
said is kept in no agent. Calls go to the side gate, and only tools that it lets run are offered.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from autogen import ConversableAgent
from autogen.io.base import IOStream

from countersign.agents.calls import AnsweredCall, read_calls
from countersign.agents.classic.awaited_models import a_generate_oai_reply
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.chat import Message
from countersign.agents.classic.messages import answering, asked_calls, has_calls, text_of
from countersign.agents.classic.null_console import NullConsole
from countersign.agents.second_thoughts import MAY
from countersign.agents.side_gate import CannotAnswerError, Exchange, SideGate

WAITS = "Not run yet: people decide on this call, and have a question about it first."
ASKED = (
    "{asker} is to decide on what you have proposed, and asks before that:\n\n{text}\n\n"
    "Answer {asker} in a few sentences; the decision is made by your answer. {tools} Nothing else "
    "you propose now is asked of anybody, and nothing is decided yet.{may}"
)
WITH_TOOLS = "You may look things up with: {names}."
WITHOUT = "You have no tools for that."


async def consult(
    built: BuiltChat, gate: SideGate, agent_name: str, exchanges: Sequence[Exchange]
) -> str:
    """What the agent answers to the last of these; what it came to beside that has the gate. Raises
    CannotAnswerError."""
    agent = next((each for each in built.chat.agents if each.name == agent_name), None)
    if agent is None:
        raise CannotAnswerError(f"The chat has no agent {agent_name}.")
    if agent.client is None:
        raise CannotAnswerError(f"{agent_name} has no language model.")
    tools = gate.tools_of(agent_name)
    about = gate.about_the_proposal()
    messages = _messages(built, agent, exchanges, tools, tuple(about))
    with IOStream.set_default(NullConsole(built.chat)), _offering(agent, tools, about):
        return await _answer(built, agent, gate, messages)


async def _answer(
    built: BuiltChat, agent: ConversableAgent, gate: SideGate, messages: list[Message]
) -> str:
    for _ in range(gate.limits.rounds):
        message = await _asked(built, agent, messages)
        gate.spend(len(str(message)))
        if not has_calls(message):
            text = text_of(message).strip()
            if not text:
                raise CannotAnswerError(f"{agent.name} said nothing.")
            return text
        messages.append(message)
        answers = await gate.answer(asked_calls(messages), agent.name)
        messages.append(answering(messages, answers))
        if gate.thought is not None:
            return gate.thought.reason
    raise CannotAnswerError(f"{agent.name} came to no answer in {gate.limits.rounds} rounds.")


async def _asked(built: BuiltChat, agent: ConversableAgent, messages: list[Message]) -> Message:
    """The next message of the model."""
    given: Any = agent.process_all_messages_before_reply(copy.deepcopy(messages))
    given = agent.process_last_received_message(given)
    peer = built.chat.peer(agent)
    _, reply = await a_generate_oai_reply(agent, messages=given, sender=peer)
    if isinstance(reply, dict):
        return {**reply, "role": "assistant"}
    return {"role": "assistant", "content": reply or ""}


def _messages(
    built: BuiltChat,
    agent: ConversableAgent,
    exchanges: Sequence[Exchange],
    tools: frozenset[str],
    about: Sequence[str],
) -> list[Message]:
    """What the agent has heard and said, its open calls answered, then the questions in order."""
    messages = copy.deepcopy(list(agent.chat_messages[built.chat.peer(agent)]))
    if messages and has_calls(messages[-1]):
        calls = read_calls(asked_calls(messages), 0, {}, {})
        messages.append(answering(messages, [AnsweredCall(call, WAITS) for call in calls]))
    names = ", ".join(sorted(tools))
    look = WITH_TOOLS.format(names=names) if names else WITHOUT
    may = MAY.format(names=" or ".join(about)) if about else ""
    for each in exchanges:
        text = ASKED.format(asker=each.asker, text=each.text, tools=look, may=may)
        messages.append({"role": "user", "content": text})
        if each.answer:
            messages.append({"role": "assistant", "content": each.answer})
    return messages


About = Mapping[str, tuple[str, dict[str, Any]]]
"""By name, what it does and what it takes."""
_CHOICES = ("tool_choice", "function_call", "parallel_tool_calls")
"""What may force a call, or is refused where there are no tools."""


@contextmanager
def _offering(agent: ConversableAgent, tools: frozenset[str], about: About) -> Iterator[None]:
    """The agent's model is shown these of its tools, and what it may do about its proposal. The
    chat is dropped after an error, so that nobody sees what a thread may have left."""
    configs: list[dict[str, Any]] = agent.client._config_list  # type: ignore[union-attr]
    before = list(configs)
    configs[:] = [_only(config, tools, about) for config in before]
    try:
        yield
    finally:
        configs[:] = before


def _only(config: dict[str, Any], tools: frozenset[str], about: About) -> dict[str, Any]:
    kept = {name: value for name, value in config.items() if name not in _CHOICES}
    legacy = "functions" in kept  # an agent that is offered these calls them so
    beside: list[dict[str, Any]] = [
        {"name": name, "description": words, "parameters": takes}
        for name, (words, takes) in about.items()
    ]
    for key in ("tools", "functions"):
        entries = kept.pop(key, None) or ()
        shown = [entry for entry in entries if _name(entry) in tools]
        if key == "functions" and legacy:
            shown += beside
        elif key == "tools" and not legacy:
            shown += [{"type": "function", "function": entry} for entry in beside]
        if shown:
            kept[key] = shown
    return kept


def _name(entry: dict[str, Any]) -> str:
    return str((entry.get("function") or entry).get("name"))
