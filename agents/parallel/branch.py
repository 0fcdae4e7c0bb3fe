"""A branch in one run: its chat and the gate of its own, at which it is held for the others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from countersign.agents.batch import Batch, require_question
from countersign.agents.calls import AnsweredCall, AskedCall
from countersign.agents.gate import Gate
from countersign.agents.parallel.records import Record, Stage
from countersign.agents.ports import PausableChat, Progress, Runner
from countersign.agents.session_chat import Ended, SessionChat
from countersign.agents.suspension import ModelError, words_of
from countersign.approvals.errors import IntegrityError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import InParallel, Proposal, Request, RequestKind


class PartGate(Gate):
    """The gate of one of the chats of a session, in the same run as that of the session."""

    def __init__(
        self,
        main: Gate,
        chat: PausableChat,
        progress: Progress,
        name: str,
        batch: tuple[Request, ...] = (),
    ):
        super().__init__(
            main._runs,
            main._lease,
            chat,
            progress,
            main._lane,
            main._slot,
            observer=main._observer,
            limits=main.limits,
        )
        self._open, self._prefix = batch, f"{name}."


@dataclass(frozen=True)
class Pending:
    """What a branch is held with: the calls of a message, or a question."""

    runner: Runner
    batch: Batch
    """Without requests as long as it is not proposed."""
    proposals: Sequence[Proposal] = ()
    kind: RequestKind = RequestKind.TOOL

    def proposed(self, requests: Sequence[Request]) -> Pending:
        """The same, once it is."""
        return replace(self, batch=replace(self.batch, requests=tuple(requests)))


AtOnce = Callable[["Branch", Pending], Coroutine[Any, Any, bool]]


class Branch(PartGate):
    """One branch of a run. Calls that nobody has to approve are carried out `at_once`; with others
    its chat is suspended, until the checkpoint of all branches is decided."""

    def __init__(self, main: Gate, name: str, chat: SessionChat, record: Record, at_once: AtOnce):
        super().__init__(main, chat, chat.progress, name)
        self.name, self.chat, self.record = name, chat, record
        self.pending: Pending | None = None
        self.stalled: ModelError | None = None
        """Why it cannot go on now, although it may later."""
        self.usage: Any = None
        """What its models were asked for, once it is over."""
        self._at_once, self._waiting = at_once, ""
        self._returning = False

    def restore(self, batch: Sequence[Request]) -> None:
        """Bring its chat to where it was stored; `batch` is the checkpoint of all branches."""
        if not self.record.is_live or self.record.chat is None:
            return
        position = self.chat.restore(self.record.stored())
        self.resume(position.turn)
        self._waiting, self._returning = position.waiting, True
        if self.record.stage is Stage.OPEN:
            self._open = tuple(each for each in batch if each.executor == self._waiting)

    async def go_on(self, task: str) -> Ended:
        """Its chat, from where it stands. Raises ChatSuspendedError at its next pause."""
        if self.record.stage is Stage.NEW:
            return await self.chat.begin(self, task)
        return await self.chat.resume(self, self._waiting)

    def proposed(self, requests: Sequence[Request]) -> None:
        """What it is held with has become these requests."""
        if self.pending is not None:
            self.pending = self.pending.proposed(requests)

    def opened(self, failed: Mapping[str, str]) -> Sequence[Proposal]:
        """What it is held with, which is about to be proposed; `failed` says which branches are
        not in it, and why."""
        self.record = replace(self.record, stage=Stage.OPEN)
        parallel = InParallel(branch=self.name, failed=dict(failed))
        proposals = self.require_held().proposals
        return [each.model_copy(update={"parallel": parallel}) for each in proposals]

    def over(self, ended: Ended) -> None:
        """Its chat has come to its end."""
        state = self.chat.state(self.chat.runners[0].name, self._turn)
        self.record = self.record.at(Stage.OVER, state, ending=ended.ending)
        self.usage = ended.usage

    def failed(self, error: Exception) -> None:
        """Its chat cannot go on, while others can."""
        cause = error.cause if isinstance(error, ModelError) else SessionCause.ERROR
        ending = Ending(cause=cause, words=words_of(error))
        try:
            state = self.chat.state(self.chat.runners[0].name, self._turn)
        except Exception:  # a message that cannot be stored, which may be why it failed
            self.record = replace(self.record, stage=Stage.FAILED, ending=ending)
        else:
            self.record = self.record.at(Stage.FAILED, state, ending=ending)

    @property
    def failure(self) -> tuple[str, str] | None:
        """Its name and why it came to no answer; None if it did, or still may."""
        if self.record.is_live or self.record.is_good or self.record.ending is None:
            return None
        return self.name, self.record.ending.words

    async def carry_out_pending(self) -> bool:
        """Run what was approved of that with which it is held; False if it has to wait (again).

        Nothing of it is pending. The chat is given the answers when it goes on.
        """
        pending, stopped = self.require_held(), None
        if pending.kind is RequestKind.INPUT:
            text, stopped = await self._said(pending.batch.requests[0])
            answers = [text]
        else:
            answered = await self._answers(pending.runner, pending.batch)
            if answered is None:
                return False
            answers = [each.text for each in answered]
        self.record = replace(
            self.record, stage=Stage.ANSWERED, answers=tuple(answers), stopped=stopped
        )
        self.pending, self._open, self._returning = None, (), True
        return True

    @property
    @override
    def is_open(self) -> bool:
        return self._returning

    @property
    @override
    def has_open_calls(self) -> bool:
        return self._returning and self.record.kind is RequestKind.TOOL

    @override
    async def answer(
        self, runner: Runner, asked: Sequence[AskedCall], asker: str
    ) -> list[AnsweredCall] | None:
        if self._returns_to(Stage.ANSWERED):
            return self._given(runner, asked)
        if self._returns_to(Stage.OPEN):
            self.pending = Pending(runner, self.reopened(runner, asked, asker))
            return None
        calls, questions, proposals = await self._prepared(runner, asked, asker)
        pending = Pending(runner, Batch(tuple(calls), (), asker, questions), proposals)
        if not proposals:
            self._returning = False
            return await self.carry_out(runner, pending.batch)
        waits = await self.submissions.waits(proposals)
        self._hold(pending)
        if waits:
            return None
        return self._given(runner, asked) if await self._at_once(self, pending) else None

    @override
    async def ask(self, runner: Runner, prompt: str, message: str, asker: str) -> str | None:
        call = self._question(runner, prompt, message, asker)
        if self._returns_to(Stage.ANSWERED):
            (text,), self.stopped = self.record.answers, self.record.stopped
            self._go_on()
            return text
        proposal, kind = Proposal(call=call, kind=RequestKind.INPUT), RequestKind.INPUT
        if self._returns_to(Stage.OPEN):
            require_question(runner, call, self._open)
            self.pending = Pending(runner, Batch((), self._open, asker), [proposal], kind)
        else:
            self._hold(Pending(runner, Batch((), (), asker), [proposal], kind))
        return None

    def _returns_to(self, stage: Stage) -> bool:
        return self._returning and self.record.stage is stage

    def _hold(self, pending: Pending) -> None:
        self.pending, self._waiting = pending, pending.runner.name
        state = self.chat.state(self._waiting, self._turn)
        self.record = self.record.at(Stage.HELD, state, kind=pending.kind)
        self._returning = True

    def _given(self, runner: Runner, asked: Sequence[AskedCall]) -> list[AnsweredCall]:
        """The calls of a message with the answers that are known. Raises IntegrityError if they are
        not those of its calls."""
        calls, answers = self._read(runner, asked), self.record.answers
        if len(calls) != len(answers):
            raise IntegrityError(
                f"The stored answers are not those to the calls of the restored chat {self.name}. "
                "The session was not continued; start it again."
            )
        self._go_on()
        return [AnsweredCall(*each) for each in zip(calls, answers, strict=True)]

    def _go_on(self) -> None:
        self._returning = False
        self._close()

    def require_held(self) -> Pending:
        """What it is held with. Raises IntegrityError if it is with nothing, although it was stored
        so."""
        if self.pending is None:
            raise IntegrityError(
                f"The restored chat {self.name} did not come back to the calls that it waits with. "
                "The session was not continued; start it again."
            )
        return self.pending
