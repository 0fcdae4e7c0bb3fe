"""A built chat: checked, its tools known, and with the baseline that it is reset to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

from autogen import ConversableAgent, GroupChat, GroupChatManager

from countersign.agents.classic import snapshot
from countersign.agents.classic.answer_log import AnswerLog
from countersign.agents.classic.baseline import Baseline
from countersign.agents.classic.chat import Chat
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.classic.snapshot import Stored
from countersign.agents.guard.contexts import ChatContext
from countersign.agents.ports import Position, Runner
from countersign.agents.values.effective import ToolParameters
from countersign.approvals.models import ChatState, StoredChat

Mode = Literal["async", "sync"]


@dataclass(frozen=True)
class BuiltChat:
    """One chat of a workflow. Used by one session at a time."""

    chat: Chat
    mode: Mode
    tools: Mapping[str, ToolParameters]
    """What each tool takes, without the rationale."""
    offered: Mapping[str, frozenset[str]]
    """Which tools each agent was shown when the chat was built, by the agent's name."""
    baseline: Baseline
    chat_context: ChatContext
    """Where its agents belong, which tells what they may do."""
    answer_log: AnswerLog = field(default_factory=AnswerLog)
    """What the models of this session answered."""
    rounds: int = 0
    """`max_round` of the group, which counts down over the pauses of a session."""

    spoiled: ClassVar[bool] = False
    """Whether it is not for a next session. A chat that may still be used has raised."""

    @property
    def chats(self) -> tuple[BuiltChat, ...]:
        """Itself: the chats of the workflow."""
        return (self,)

    @property
    def agents(self) -> tuple[ConversableAgent, ...]:
        """Everybody in it."""
        return self.chat.agents

    @cached_property
    def proxies(self) -> tuple[ApprovalProxy, ...]:
        """The user proxies that execute tools and ask people."""
        return tuple(a for a in self.chat.agents if isinstance(a, ApprovalProxy))

    def proxy(self, name: str) -> ApprovalProxy | None:
        """The proxy of this name."""
        return next((proxy for proxy in self.proxies if proxy.name == name), None)

    @property
    def runners(self) -> Sequence[Runner]:
        """Everybody who executes tools in it: see `agents.ports.PausableChat`."""
        return self.proxies

    @cached_property
    def stored(self) -> Stored:
        """What of its state the store has."""
        return Stored(self.chat)

    def state(self, waiting: str, turn: int) -> ChatState:
        """See `agents.ports.PausableChat`. Raises TypeError if a message holds what JSON cannot."""
        position = Position(waiting=waiting, turn=turn)
        return snapshot.dump(self.chat, self.group, self.baseline, position, self.stored)

    def restore(self, state: StoredChat) -> Position:
        """Bring the chat, which is as built, into a stored state. Raises IntegrityError."""
        return snapshot.restore(state, self.chat, self.group, self.stored)

    @property
    def group(self) -> GroupChat | None:
        """The GroupChat that the manager runs; None in a two-agent chat."""
        return None if self.chat.manager is None else live_group(self.chat.manager, self.mode)

    def reset(self) -> None:
        """Forget the session that used it."""
        self.baseline.reset()
        self.answer_log.answers.clear()
        self.stored.forget()


def live_group(manager: GroupChatManager, mode: Mode) -> GroupChat:
    """The copy of the GroupChat that `initiate_chat` hands to the manager's reply function.

    `register_reply` copies its config, once for the sync and once for the async function; a
    speaker selection function sees (and may write to) that copy, not `manager.groupchat`.
    """
    wanted: Any = GroupChatManager.a_run_chat if mode == "async" else GroupChatManager.run_chat
    for entry in manager._reply_func_list:
        if entry["reply_func"] is wanted and isinstance(entry["config"], GroupChat):
            return entry["config"]
    return manager.groupchat
