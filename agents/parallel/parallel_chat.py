"""Parallel chats as one chat of a session: branches side by side, then perhaps one that follows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from countersign.agents.gate import Gate
from countersign.agents.guard.contexts import ChatContext
from countersign.agents.parallel import results
from countersign.agents.parallel.branch import Branch, PartGate
from countersign.agents.parallel.records import Record, Stage, state_of
from countersign.agents.parallel.rounds import Rounds
from countersign.agents.ports import PausableChat, Position, Progress, Runner
from countersign.agents.session_chat import Ended, SessionChat
from countersign.agents.side_gate import CannotAnswerError, Exchange, SideGate
from countersign.agents.values.effective import ToolParameters
from countersign.approvals.errors import IntegrityError
from countersign.approvals.models import ChatState, Request, StoredChat
from countersign.approvals.models.sessions import BRANCHES, THEN


class ParallelChat(SessionChat):
    """The chats of one session. Each agent, and each user proxy, is in one of them."""

    def __init__(self, chats: Mapping[str, SessionChat], then: SessionChat | None):
        """`chats` in their declared order."""
        self._chats, self._then = dict(chats), then
        self._all = [*self._chats.values(), *([then] if then is not None else [])]
        self._records = {name: Record() for name in self._chats}
        self._then_record: Record | None = None
        self._rounds: Rounds | None = None
        self._progress = _Said(self)

    @property
    @override
    def tools(self) -> Mapping[str, ToolParameters]:
        return {name: tool for chat in self._all for name, tool in chat.tools.items()}

    @property
    @override
    def offered(self) -> Mapping[str, frozenset[str]]:
        return {agent: tools for chat in self._all for agent, tools in chat.offered.items()}

    @property
    @override
    def runners(self) -> Sequence[Runner]:
        return [runner for chat in self._all for runner in chat.runners]

    @property
    @override
    def chat_context(self) -> ChatContext:
        return self._all[0].chat_context

    @property
    @override
    def progress(self) -> Progress:
        return self._progress

    @property
    def is_spoiled(self) -> bool:
        """Whether something of it may still go on by itself after its run."""
        failed = any(each.stage is Stage.FAILED for each in self._records.values())
        return failed or (self._rounds is not None and self._rounds.broke_off)

    @override
    def state(self, waiting: str, turn: int) -> ChatState:
        if self._then is not None and self._then_record is not None:
            own = [runner.name for runner in self._then.runners]
            state = self._then.state(waiting if waiting in own else own[0], turn)
            self._then_record = self._then_record.at(Stage.OPEN, state)
        return self._state()

    @override
    def restore(self, state: StoredChat) -> Position:
        stored = json.loads(state.snapshot)
        if list(stored.get(BRANCHES, ())) != list(self._chats):
            raise IntegrityError(
                "The session was stored by other branches than the workflow has now, which are "
                f"{', '.join(self._chats)}. Start a new session."
            )
        self._records = {name: Record.read(part) for name, part in stored[BRANCHES].items()}
        if self._then is not None and THEN in stored:
            self._then_record = Record.read(stored[THEN])
            if self._then_record.chat is not None:
                return self._then.restore(self._then_record.stored())
        needs = any(record.stage is Stage.OPEN for record in self._records.values())
        return Position(self.runners[0].name, 0, needs_batch=needs)

    @override
    async def begin(self, gate: Gate, task: str) -> Ended:
        return await self._played(gate, ())

    @override
    async def resume(self, gate: Gate, waiting: str) -> Ended:
        follows = self._then_record is not None and self._then_record.chat is not None
        if self._then is not None and follows:
            part = self._part(gate, self._then, gate.batch)
            part.resume(gate.turn)
            return await self._then.resume(part, waiting)
        return await self._played(gate, gate.batch)

    @override
    async def consult(self, gate: SideGate, agent: str, exchanges: Sequence[Exchange]) -> str:
        for name, chat in self._chats.items():
            if agent in chat.offered:
                record = self._records[name]
                if record.chat is not None:
                    chat.restore(record.stored())
                return await chat.consult(gate, agent, exchanges)
        if self._then is not None and agent in self._then.offered:
            return await self._then.consult(gate, agent, exchanges)
        raise CannotAnswerError(f"The chat has no agent {agent}.")

    async def _played(self, gate: Gate, batch: Sequence[Request]) -> Ended:
        usage: dict[str, Any] = {}
        if self._then_record is None:
            usage = await self._branches(gate, batch)
        if self._then is None or results.all_failed(self._records):
            return Ended(results.ending(self._records), usage)
        if self._then_record is None:
            said, self._then_record = self._progress.lines(), Record()
            await gate.submissions.store(self._state(), said)
        part = self._part(gate, self._then, ())
        return await self._then.begin(part, results.task_of(gate.task, self._records))

    async def _branches(self, gate: Gate, batch: Sequence[Request]) -> dict[str, Any]:
        rounds = self._rounds = Rounds(gate, self._state)
        rounds.branches = [
            Branch(gate, name, chat, self._records[name], rounds.at_once)
            for name, chat in self._chats.items()
        ]
        for branch in rounds.branches:
            branch.restore(batch)
        await rounds.play(gate.task)
        self._note()
        return {branch.name: branch.usage for branch in rounds.branches}

    def _part(self, gate: Gate, chat: SessionChat, batch: Sequence[Request]) -> PartGate:
        return PartGate(gate, _Part(chat, self), chat.progress, THEN, tuple(batch))

    def _note(self) -> None:
        """Take over where the branches stand."""
        if self._rounds is not None:
            self._records = {each.name: each.record for each in self._rounds.branches}

    def _state(self) -> ChatState:
        self._note()
        return state_of(self._records, self._then_record)

    def said(self, without: str) -> list[str]:
        """What the thread has not been told yet; see `Progress.lines`."""
        lines = [] if self._rounds is None else self._rounds.said((), answered=self._then is None)
        self._note()
        if self._then is not None and self._then_record is not None:
            lines += self._then.progress.lines(without=without)
        return lines


class _Said(Progress):
    """What is said in all of them."""

    def __init__(self, chat: ParallelChat):
        self._chat = chat

    @override
    def skip(self) -> None:
        """Each of them, where it is restored."""

    @override
    def lines(self, *, without: str = "") -> list[str]:
        return self._chat.said(without)


class _Part(PausableChat):
    """The chat that follows: its state is that of the session."""

    def __init__(self, chat: SessionChat, whole: ParallelChat):
        self._chat, self._whole = chat, whole

    @property
    @override
    def tools(self) -> Mapping[str, ToolParameters]:
        return self._chat.tools

    @property
    @override
    def offered(self) -> Mapping[str, frozenset[str]]:
        return self._chat.offered

    @property
    @override
    def runners(self) -> Sequence[Runner]:
        return self._chat.runners

    @override
    def state(self, waiting: str, turn: int) -> ChatState:
        return self._whole.state(waiting, turn)
