"""Built chats of one workflow that work side by side, and what they are together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from autogen import ConversableAgent

from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.values.effective import ToolParameters


@dataclass
class BuiltParallel:
    """The branches in their declared order, and the chat that follows them."""

    branches: Mapping[str, BuiltChat]
    then: BuiltChat | None
    spoiled: bool = False
    """Whether it is not for a next session: something may still use it."""

    @cached_property
    def chats(self) -> tuple[BuiltChat, ...]:
        """All of them; see `BuiltChat.chats`."""
        return (*self.branches.values(), *(() if self.then is None else (self.then,)))

    @property
    def tools(self) -> Mapping[str, ToolParameters]:
        """What each tool takes."""
        return {name: tool for built in self.chats for name, tool in built.tools.items()}

    @property
    def agents(self) -> tuple[ConversableAgent, ...]:
        """Everybody in any of them."""
        return tuple(agent for built in self.chats for agent in built.agents)

    @property
    def proxies(self) -> tuple[ApprovalProxy, ...]:
        """The user proxies that execute tools and ask people."""
        return tuple(proxy for built in self.chats for proxy in built.proxies)

    def reset(self) -> None:
        """Forget the session that used them."""
        for built in self.chats:
            built.reset()


Built = BuiltChat | BuiltParallel
