"""The gate of one run: calls are proposed, wait for people, and are carried out when decided.

It knows no framework: whoever reads the messages of a chat hands the calls in and the answers on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from countersign.agents import asking_beforehand, causes, results
from countersign.agents.batch import Batch, require_calls, require_question
from countersign.agents.calls import AnsweredCall, AskedCall, Call, read_calls
from countersign.agents.lanes import Lane, Slot
from countersign.agents.leases import Lease
from countersign.agents.limits import DEFAULT_LIMITS, NotAsked, ProposalLimits
from countersign.agents.ports import PausableChat, Progress, Runner
from countersign.agents.preparation import Preparation
from countersign.agents.submissions import Submissions
from countersign.agents.tool_runs import ToolRuns
from countersign.approvals.errors import IntegrityError
from countersign.approvals.forms.causes import Ending
from countersign.approvals.models import (
    Outcome,
    Proposal,
    Request,
    RequestKind,
    RequestStatus,
    Result,
    ToolCall,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.runs import Runs

T = TypeVar("T")


def _questions(runner: Runner, calls: Sequence[Call]) -> frozenset[str]:
    """The ids of the calls that ask what would become of one."""
    if not runner.asks_beforehand:
        return frozenset()
    return frozenset(each.call_id for each in calls if each.tool == asking_beforehand.TOOL)


HUMAN_INPUT = "human_input"
"""The tool name under which a free-text question is stored."""


class Gate:
    """Proposes and carries out, for one run of one session."""

    def __init__(
        self,
        runs: Runs,
        lease: Lease,
        chat: PausableChat,
        progress: Progress,
        lane: Lane,
        slot: Slot,
        *,
        observer: Observer = SILENT,
        limits: ProposalLimits = DEFAULT_LIMITS,
    ):
        """`limits` are for whoever reads the messages."""
        self._runs, self._lease, self._chat = runs, lease, chat
        self._lane, self._slot, self._observer = lane, slot, observer
        self._preparation = Preparation(runs, lease, chat, lane, slot)
        self._tool_runs = ToolRuns(runs, lease, self._preparation, lane, slot, observer)
        self.submissions = Submissions(runs, lease, observer)
        self._open: tuple[Request, ...] = lease.run.batch
        self._turn, self._prefix = 0, ""
        self.progress, self.limits = progress, limits
        self.stopped: Ending | None = None
        """Why the chat ends, where it is the gate that ends it."""

    @property
    def turn(self) -> int:
        """How many batches this session has proposed."""
        return self._turn

    @property
    def task(self) -> str:
        """What the session was asked for."""
        return self._lease.run.session.task

    def resume(self, turn: int) -> None:
        """Go on from a stored state: `turn` batches were proposed before the open one."""
        self._turn = turn
        self.progress.skip()

    @property
    def batch(self) -> tuple[Request, ...]:
        """The requests with which the chat goes on."""
        return self._open

    @property
    def is_open(self) -> bool:
        """Whether the chat goes on with requests that it has proposed before."""
        return bool(self._open)

    @property
    def has_open_calls(self) -> bool:
        """Whether those are calls, and not a question."""
        return any(request.kind is RequestKind.TOOL for request in self._open)

    async def answer(
        self, runner: Runner, asked: Sequence[AskedCall], asker: str
    ) -> list[AnsweredCall] | None:
        """Every call of a message, which `asker` wrote, with its answer; None if the chat has to
        wait. After a pause the chat comes here with the same message again."""
        if self.is_open:
            batch = self.reopened(runner, asked, asker)
        else:
            batch = await self.propose(runner, asked, asker)
        return await self.carry_out(runner, batch)

    async def propose(self, runner: Runner, asked: Sequence[AskedCall], asker: str) -> Batch:
        """The calls of a message, which `asker` wrote, ruled on and stored with the chat's state.

        Where one is pending, the chat has to wait.
        """
        calls, questions, proposals = await self._prepared(runner, asked, asker)
        requests = await self._submit(runner, proposals) if proposals else ()
        return Batch(tuple(calls), requests, asker, questions)

    async def _prepared(
        self, runner: Runner, asked: Sequence[AskedCall], asker: str
    ) -> tuple[list[Call], frozenset[str], list[Proposal]]:
        """The calls of a message, the ids of those that only ask, and what the others propose."""
        calls = self._read(runner, asked)
        questions = _questions(runner, calls)
        proposals = [
            await self._preparation.proposal(runner, call, asker)
            for call in calls
            if call.call_id not in questions
        ]
        return calls, questions, proposals

    def reopened(self, runner: Runner, asked: Sequence[AskedCall], asker: str) -> Batch:
        """The batch with which a restored chat waited. Raises IntegrityError unless the stored
        requests are the calls of the restored message."""
        calls = self._read(runner, asked)
        questions = _questions(runner, calls)
        require_calls(runner, [c for c in calls if c.call_id not in questions], self._open)
        return Batch(tuple(calls), self._open, asker, questions)

    async def carry_out(self, runner: Runner, batch: Batch) -> list[AnsweredCall] | None:
        """Every call with its answer, in order: what was approved is run, once.

        None if the chat has to wait for people: nothing runs while a request of the batch is
        pending, and a claim may ask them again.
        """
        answered = None if batch.waits else await self._answers(runner, batch)
        if answered is not None:
            self._close()
        return answered

    async def _answers(self, runner: Runner, batch: Batch) -> list[AnsweredCall] | None:
        """The answers to calls of which none is pending."""
        answered, requests = [], iter(batch.requests)
        for call in batch.calls:
            if call.call_id in batch.questions:
                answered.append(AnsweredCall(call, await self._foreseen(call, batch.asker)))
                continue
            text = await self._tool_runs.answer(runner, next(requests))
            if text is None:
                return None
            answered.append(AnsweredCall(call, text))
        return answered

    async def _foreseen(self, question: Call, asker: str) -> str:
        """What would become of the call that an agent asks about."""
        asked = asking_beforehand.question_of(question)
        if asked.call is None:
            return asking_beforehand.refused(asked.problem)
        name = asked.call.tool
        known = (each for each in self._chat.runners if name in each.function_map)
        runner = next(known, self._chat.runners[0])
        (call,) = self._read(runner, [asked.call])
        proposal = await self._preparation.proposal(runner, call, asker)
        self._lease.require()
        (request,) = await self._runs.foresee(self._lease.run, [proposal])
        return asking_beforehand.answer(request)

    async def refuse(
        self, asked: Sequence[AskedCall], asker: str, because: NotAsked
    ) -> list[AnsweredCall]:
        """Every call of a message, answered without being asked or run."""
        calls = self.unasked(asked)
        if because.ends:
            self.stopped = causes.stopped(because, calls, asker)
        else:
            self._lease.require()
            await self._runs.limited(
                self._lease.run,
                causes.limited(because, calls, asker),
                notice="" if because.limit == "identical_calls" else because.words,
            )
        self._turn += 1
        text = results.limited(because.words, retry=because.retry)
        return [AnsweredCall(call, text) for call in calls]

    async def interrupted(self, asked: Sequence[AskedCall], asker: str) -> None:
        """A person answered in the place of these calls: they are recorded."""
        self._lease.require()
        unasked = causes.open_calls(self.unasked(asked), asker, "A person answered instead.")
        for call in unasked:
            await self._runs.limited(self._lease.run, call.entry(), notice="")
        self._turn += 1

    def unasked(self, asked: Sequence[AskedCall]) -> list[Call]:
        """Calls that are not proposed, whoever would have executed them."""
        schemas = {name: tool.schema for name, tool in self._chat.tools.items()}
        return read_calls(asked, self._place, schemas, {})

    async def ask(self, runner: Runner, prompt: str, message: str, asker: str) -> str | None:
        """A person's answer to a free-text question; None if the chat has to wait for it.

        `message` is what it is about. A question that nobody answered in time ends the
        conversation, as the word "exit" does.
        """
        call = self._question(runner, prompt, message, asker)
        batch = self._open
        if batch:
            require_question(runner, call, batch)
        else:
            batch = await self._submit(runner, [Proposal(call=call, kind=RequestKind.INPUT)])
        (request,) = batch
        if request.status is RequestStatus.PENDING:
            return None
        answer, self.stopped = await self._said(request)
        self._close()
        return answer

    def _question(self, runner: Runner, prompt: str, message: str, asker: str) -> ToolCall:
        return ToolCall(
            session_id=self._lease.run.session.id,
            call_id=f"{self._place}.0:input",
            tool=HUMAN_INPUT,
            arguments={"prompt": prompt, "message": message},
            agent=asker,
            executor=runner.name,
        )

    async def _said(self, request: Request) -> tuple[str, Ending | None]:
        """What a person has answered, and how the chat ends if nobody has."""
        self._lease.require()
        answer = await self._runs.claim(self._lease.run, request.id, request.arguments)
        if not isinstance(answer, Result):
            raise IntegrityError(f"Request {request.id} is a question, but was handed out to run.")
        if answer.outcome is not Outcome.NOT_EXECUTED:
            return answer.content, None
        return "exit", causes.unanswered(answer)

    async def in_thread(self, chat: Callable[[], T]) -> T:
        """Call a sync chat in a thread of its workflow's lane."""
        return await self._lane.run_chat(chat, self._slot)

    async def _submit(self, runner: Runner, proposals: Sequence[Proposal]) -> tuple[Request, ...]:
        self._lease.require()
        state, first = self._chat.state(runner.name, self._turn), self._place == "0"
        progress = self.progress.lines()
        self._open = await self.submissions.submit(proposals, state, progress, first=first)
        return self._open

    def _close(self) -> None:
        """The open batch is answered."""
        self._open = ()
        self._turn += 1

    def _read(self, runner: Runner, asked: Sequence[AskedCall]) -> list[Call]:
        tools, own = self._chat.tools, runner.function_map
        schemas = {name: tools[name].schema for name in own if name in tools}
        return read_calls(asked, self._place, schemas, self._elsewhere(runner))

    @property
    def _place(self) -> str:
        """Of a message in its session: no two have the same."""
        return f"{self._prefix}{self._turn}"

    def _elsewhere(self, runner: Runner) -> Mapping[str, str]:
        return {
            tool: other.name
            for other in self._chat.runners
            if other is not runner
            for tool in other.function_map
        }
