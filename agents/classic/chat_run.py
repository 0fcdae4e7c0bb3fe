"""One run of a chat: reads its messages for the gate. The user proxies of the chat share it."""

from __future__ import annotations

from collections.abc import Sequence

from autogen import ConversableAgent, GroupChat

from countersign.agents.calls import AnsweredCall, Call
from countersign.agents.classic import limits
from countersign.agents.classic.answer_log import AnswerLog
from countersign.agents.classic.chat import Chat, Message
from countersign.agents.classic.endings import silence
from countersign.agents.classic.messages import asked_calls, has_calls, text_of
from countersign.agents.classic.sync_steps import SyncSteps
from countersign.agents.gate import Gate
from countersign.agents.limits import NotAsked
from countersign.agents.ports import Runner
from countersign.approvals.audit.canonical import well_formed


class ChatRun:
    """The gate and the limits of one run, for the messages of its chat."""

    def __init__(self, chat: Chat, group: GroupChat | None, answer_log: AnswerLog, gate: Gate):
        self.gate, self.steps = gate, SyncSteps(gate)
        self._chat, self._group, self._answers = chat, group, answer_log

    async def answer(
        self, runner: Runner, history: Sequence[Message], asker: str
    ) -> list[AnsweredCall] | None:
        """Every call of the last message with its answer; None if the chat has to wait.

        After a pause the chat comes here with the same message again.
        """
        return await self.gate.answer(runner, asked_calls(history), asker)

    async def refuse(
        self, history: Sequence[Message], asker: str, because: NotAsked
    ) -> list[AnsweredCall]:
        """Every call of the last message, answered without being asked or run."""
        return await self.gate.refuse(asked_calls(history), asker, because)

    async def interrupted(self, history: Sequence[Message], asker: str) -> None:
        """A person answered in the place of the calls of the last message."""
        await self.gate.interrupted(asked_calls(history), asker)

    async def ask(
        self, runner: Runner, prompt: str, history: Sequence[Message], asker: str
    ) -> str | None:
        """A person's answer to a free-text question; None if the chat has to wait for it."""
        message = well_formed(text_of(history[-1])) if history else ""
        return await self.gate.ask(runner, prompt, message, asker)

    def limit_reached(self) -> NotAsked | None:
        """Why the calls of the last message are not even asked; None if they are."""
        return limits.reached(self._chat.messages, self.gate.limits)

    def is_silent(self) -> bool:
        """Whether the model has been saying nothing again and again: then the chat ends."""
        count = self._answers.silent_in_a_row()
        if count < self.gate.limits.silent_answers:
            return False
        self.gate.stopped = self.gate.stopped or silence(self._answers.last, count)
        return True

    def close_with(self, proxy: ConversableAgent) -> tuple[bool, None]:
        """The end of the chat, in which `proxy` has just sent the last message: in a group it is
        AutoGen's next round that would note it, and there is none."""
        manager = self._chat.manager
        if manager is not None and self._group is not None:
            self._group.append(manager.chat_messages[proxy][-1], proxy)
        return True, None

    def unanswered(self) -> list[Call]:
        """The calls of the chat's last message, at its end."""
        messages = self._chat.messages
        if not messages or not has_calls(messages[-1]):
            return []
        return self.gate.unasked(asked_calls(messages))
