"""A built AutoGen chat: who starts it, who answers, and every agent that takes part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from autogen import Agent, ConversableAgent, GroupChat, GroupChatManager

Message = dict[str, Any]


@dataclass(frozen=True)
class Chat:
    """What a workflow factory returns: `starter` sends the task to `recipient`.

    `recipient` is a GroupChatManager, or the other agent of a two-agent chat. `max_turns` is that
    of AutoGen's `initiate_chat`, for two agents: so often the starter speaks and is answered.
    """

    starter: ConversableAgent
    recipient: ConversableAgent
    max_turns: int | None = None
    agents: tuple[ConversableAgent, ...] = field(init=False)
    """Every agent that can be reached, each once: the speakers first, managers last."""

    def __post_init__(self) -> None:
        """Find the agents."""
        found: dict[int, ConversableAgent] = {}
        for root in (self.recipient, self.starter):
            for agent in _reach(root, found):
                found[id(agent)] = agent
        ordered = sorted(found.values(), key=lambda a: isinstance(a, GroupChatManager))
        object.__setattr__(self, "agents", tuple(ordered))

    # `isinstance` with a class of AutoGen is slow, for its metaclass is that of a protocol: what an
    # agent is, and who speaks, is asked once.

    @cached_property
    def manager(self) -> GroupChatManager | None:
        """The manager of a group chat; None in a two-agent chat."""
        return self.recipient if isinstance(self.recipient, GroupChatManager) else None

    @property
    def group(self) -> GroupChat | None:
        """The group chat; None in a two-agent chat."""
        return self.manager.groupchat if self.manager is not None else None

    @cached_property
    def speakers(self) -> tuple[ConversableAgent, ...]:
        """Who speaks in the chat itself, without managers and nested chats."""
        if self.group is not None:
            return conversable(self.group.agents)
        return (self.starter, self.recipient)

    @property
    def messages(self) -> list[Message]:
        """What was said so far, oldest first; the live list."""
        if self.group is not None:
            return self.group.messages
        return self.starter.chat_messages[self.recipient]

    def turns(self) -> int:
        """How often the starter has spoken."""
        return sum(self.author(at) == self.starter.name for at in range(len(self.messages)))

    def peer(self, agent: ConversableAgent) -> ConversableAgent:
        """Whom `agent` hears and answers: the manager, or the other one of two."""
        if self.manager is not None:
            return self.manager
        return self.recipient if agent is self.starter else self.starter

    def author(self, index: int) -> str:
        """Who said the message at `index`."""
        name = self.messages[index].get("name")
        if isinstance(name, str) and name:
            return name
        # Two agents take turns, and AutoGen leaves the name off a message with calls.
        return self.starter.name if index % 2 == 0 else self.recipient.name


def conversable(agents: Iterable[Agent]) -> tuple[ConversableAgent, ...]:
    """The agents, as what they are: AutoGen types a group's members by the protocol."""
    return tuple(agent for agent in agents if isinstance(agent, ConversableAgent))


def nested_chats(agent: ConversableAgent) -> Iterator[dict[str, Any]]:
    """The entries of the chats that `agent` holds with others before it answers.

    AutoGen keeps the queue of `register_nested_chats` only in the closure of a reply function.
    """
    for entry in agent._reply_func_list:
        for cell in getattr(entry["reply_func"], "__closure__", None) or ():
            queue = cell.cell_contents
            if isinstance(queue, list):
                yield from (
                    item for item in queue if isinstance(item, dict) and "recipient" in item
                )


def _reach(
    agent: ConversableAgent, seen: dict[int, ConversableAgent]
) -> Iterator[ConversableAgent]:
    if id(agent) in seen:
        return
    seen[id(agent)] = agent
    if isinstance(agent, GroupChatManager):
        for member in conversable(agent.groupchat.agents):
            yield from _reach(member, seen)
    for entry in nested_chats(agent):
        for key in ("sender", "recipient"):
            if isinstance(entry.get(key), ConversableAgent):
                yield from _reach(entry[key], seen)
    yield agent
