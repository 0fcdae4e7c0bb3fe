"""One run's way from proposed calls to their answers. The user proxies of its chat share it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from structlog.contextvars import bound_contextvars

from countersign.agents import results
from countersign.agents.calls import (
    Call,
    has_calls,
    read_calls,
    text_of,
)
from countersign.agents.classic import causes, snapshot
from countersign.agents.classic.brakes import Brakes, Refusal, refusal
from countersign.agents.classic.built import BuiltChat
from countersign.agents.classic.chat import Message
from countersign.agents.classic.gatekeeper import ApprovalProxy
from countersign.agents.classic.progress import Progress
from countersign.agents.execution import execute
from countersign.agents.guard.standing import Watch, blocking_in
from countersign.agents.lanes import Lane, Slot
from countersign.agents.leases import Lease
from countersign.agents.outcomes import Outcome
from countersign.agents.permit import SealedTool
from countersign.agents.retry import patiently
from countersign.agents.storable import storable
from countersign.agents.suspension import ChatStoppedError
from countersign.agents.values import time_limit
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.errors import (
    CheckFailedError,
    IntegrityError,
    InvalidArgumentsError,
    PreconditionFailedError,
)
from countersign.approvals.forms.causes import Ending
from countersign.approvals.models import (
    Checked,
    JsonObject,
    Proposal,
    Request,
    RequestKind,
    RequestStatus,
    Result,
    ToolCall,
    Via,
)
from countersign.approvals.models import Outcome as Told
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.rules.proposals import with_effective
from countersign.approvals.runs import Runs

T = TypeVar("T")

DEFAULT_BRAKES = Brakes()
HUMAN_INPUT = "human_input"
"""The tool name under which a user proxy's free-text question is stored."""


class Gate:
    """Submits, waits, claims, runs and finishes, for one run of one session."""

    def __init__(
        self,
        runs: Runs,
        lease: Lease,
        built: BuiltChat,
        lane: Lane,
        slot: Slot,
        observer: Observer = SILENT,
        brakes: Brakes = DEFAULT_BRAKES,
    ):
        self._runs = runs
        self._brakes = brakes
        self.stopped: Ending | None = None
        self._observer = observer
        self._lease = lease
        self._built = built
        self._lane, self._slot = lane, slot
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._open: tuple[Request, ...] = lease.run.batch
        self._turn = 0
        self._step: Future[Any] | None = None
        self._closed = False
        self.progress = Progress(built.chat)

    @property
    def turn(self) -> int:
        """How many batches this session has submitted."""
        return self._turn

    def resume(self, turn: int) -> None:
        """Go on from a stored state: `turn` batches were submitted before the open one."""
        self._turn = turn
        self.progress.skip()

    @property
    def is_open(self) -> bool:
        """Whether the chat goes on with requests that it has submitted before."""
        return bool(self._open)

    @property
    def has_open_calls(self) -> bool:
        """Whether those are calls, and not a question."""
        return any(request.kind is RequestKind.TOOL for request in self._open)

    def brake(self) -> Refusal | None:
        """Why the calls of the last message are not even asked; None if they are."""
        return refusal(self._built.chat.messages, self._brakes)

    def is_silent(self) -> bool:
        """Whether the model has been saying nothing again and again: then the chat ends."""
        count = self._built.witness.silent_in_a_row()
        if count < self._brakes.silent_answers:
            return False
        self.stopped = self.stopped or causes.silence(self._built.witness.last, count)
        return True

    async def refuse(
        self, history: Sequence[Message], asker: str, because: Refusal
    ) -> list[tuple[Call, str]]:
        """Every call of the last message, answered without being asked or run."""
        calls = self._unasked(history)
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
        return [(call, results.limited(because.words, retry=because.retry)) for call in calls]

    async def interrupted(self, history: Sequence[Message], asker: str) -> None:
        """A person answered in the place of the calls of the last message: they are recorded."""
        because = Refusal("", "A person answered instead.")
        self._lease.require()
        for call in causes.open_calls(self._unasked(history), asker, because.words):
            await self._runs.limited(self._lease.run, call.entry(), notice="")
        self._turn += 1

    def close_with(self, proxy: ApprovalProxy) -> tuple[bool, None]:
        """The end of the chat, in which `proxy` has just sent the last message: in a group it is
        AutoGen's next round that would note it, and there is none."""
        manager, group = self._built.chat.manager, self._built.group
        if manager is not None and group is not None:
            group.append(manager.chat_messages[proxy][-1], proxy)
        return True, None

    def unanswered(self) -> list[Call]:
        """The calls of the chat's last message, at its end."""
        messages = self._built.chat.messages
        return self._unasked(messages) if messages and has_calls(messages[-1]) else []

    def _unasked(self, history: Sequence[Message]) -> list[Call]:
        schemas = {name: tool.schema for name, tool in self._built.tools.items()}
        return read_calls(history, self._turn, schemas, {})

    async def settle(
        self, proxy: ApprovalProxy, history: Sequence[Message], asker: str
    ) -> list[tuple[Call, str]] | None:
        """Every call of the last message with its answer; None if the chat has to wait for people.

        Nothing of the message runs while one of its requests is pending.
        """
        calls = read_calls(history, self._turn, self._accepts(proxy), self._elsewhere(proxy))
        batch = self._open
        if batch:
            _match(proxy, calls, batch)
        else:
            proposals = [await self._proposal(proxy, call, asker) for call in calls]
            batch = await self._submit(proxy, proposals)
        if any(request.status is RequestStatus.PENDING for request in batch):
            return None
        answers = []
        for call, request in zip(calls, batch, strict=True):
            answer = await self._carry_out(proxy, request)
            if answer is None:
                return None
            answers.append((call, answer))
        self._consume()
        return answers

    async def ask(
        self, proxy: ApprovalProxy, prompt: str, history: Sequence[Message], asker: str
    ) -> str | None:
        """A person's answer to a free-text question; None if the chat has to wait for it.

        A question that nobody answered in time ends the conversation, as the word "exit" does.
        """
        message = storable(text_of(history[-1])) if history else ""
        call = ToolCall(
            session_id=self._lease.run.session.id,
            call_id=f"{self._turn}.0:input",
            tool=HUMAN_INPUT,
            arguments={"prompt": prompt, "message": message},
            agent=asker,
            executor=proxy.name,
        )
        batch = self._open
        if batch:
            _match_input(proxy, call, batch)
        else:
            batch = await self._submit(proxy, [Proposal(call=call, kind=RequestKind.INPUT)])
        (request,) = batch
        if request.status is RequestStatus.PENDING:
            return None
        self._lease.require()
        answer = await self._runs.claim(self._lease.run, request.id, request.arguments)
        if not isinstance(answer, Result):
            raise IntegrityError(f"Request {request.id} is a question, but was handed out to run.")
        self._consume()
        if answer.outcome is not Told.NOT_EXECUTED:
            return answer.content
        self.stopped = causes.unanswered(answer)
        return "exit"

    async def in_thread(self, chat: Callable[[], T]) -> T:
        """Call a sync chat in a thread of its workflow's lane."""
        return await self._lane.run_chat(chat, self._slot)

    def from_thread(self, step: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a step of a sync chat on the event loop and wait for it in the chat's thread."""
        if threading.get_ident() == self._loop_thread:
            raise RuntimeError(
                "A sync chat was started on the event loop, where waiting would stop everything. "
                'Declare the workflow with mode="sync", or use the a_… methods of AutoGen.'
            )
        if self._closed:
            raise ChatStoppedError
        future = asyncio.run_coroutine_threadsafe(step(), self._loop)
        self._step = future
        try:
            return future.result()
        except CancelledError:
            raise ChatStoppedError from None

    def close(self) -> None:
        """No further step: what the chat's thread may still try after the run is over."""
        self._closed = True
        if self._step is not None:
            self._step.cancel()

    async def _submit(
        self, proxy: ApprovalProxy, proposals: Sequence[Proposal]
    ) -> tuple[Request, ...]:
        self._lease.require()
        position = snapshot.Position(waiting=proxy.name, turn=self._turn)
        state = snapshot.take(self._built.chat, self._built.group, self._built.baseline, position)
        with self._observer.span("submit", session_id=self._lease.run.session.id):
            batch = await self._runs.submit(
                self._lease.run,
                self._traced(proposals),
                snapshot=state,
                transcript=snapshot.transcript(self._built.chat),
                progress=self.progress.lines(),
            )
        self._observer.proposed(batch)
        self._open = batch
        return batch

    def _traced(self, proposals: Sequence[Proposal]) -> Sequence[Proposal]:
        """The proposals, each with the span that what follows belongs under, if there is one."""
        span = self._observer.traceparent()
        if span is None:
            return proposals
        return [p.model_copy(update={"traceparent": span}) for p in proposals]

    async def _carry_out(self, proxy: ApprovalProxy, request: Request) -> str | None:
        """What the agents are told of the call; None if people are asked again."""
        with bound_contextvars(request_id=request.id):
            result, took_s = await self._result(proxy, request)
            if result is None:
                return None
            # What ran before, and is only read again after a crash, is not counted again.
            if took_s is not None or result.outcome is Told.NOT_EXECUTED:
                self._observer.settled(request, result, took_s=took_s)
        return results.text_of(request, result)

    async def _result(
        self, proxy: ApprovalProxy, request: Request
    ) -> tuple[Result | None, float | None]:
        """What became of the call, and how long its tool ran if it did; None if it waits again."""
        found = await self._found(proxy, request)
        with self._lease.tool():
            known = await self._claimed_result(proxy, request, found)
        await self._slot.take()  # lent while a tool takes long
        return known

    async def _claimed_result(
        self, proxy: ApprovalProxy, request: Request, found: Found
    ) -> tuple[Result | None, float | None]:
        run = self._lease.run
        with self._observer.span("claim", request):
            claimed = await self._runs.claim(run, request.id, request.arguments, found)
        if isinstance(claimed, Result):
            return claimed, None
        if claimed.status is RequestStatus.PENDING:
            return None, None
        tool = proxy.function_map.get(claimed.tool)
        if not isinstance(tool, SealedTool):
            raise IntegrityError(f"{proxy.name} no longer has the tool {claimed.tool}.")
        self._lease.require()
        began_s = time.perf_counter()
        with self._observer.span("execute", claimed):
            outcome = await execute(
                tool,
                claimed,
                self._lane.tools,
                self._lease.require,
                validators=self._lane.arguments,
                harmless=proxy.harmless_of(claimed.tool),
                limit_s=self._runs.time_limit_s(claimed),
                on_slow=self._slot.lend,
            )
        took_s = time.perf_counter() - began_s
        with self._observer.span("finish", claimed, ok=outcome.ok):
            if outcome.unknown:
                doubt = await patiently(
                    lambda: self._runs.unknown(run, claimed.id, message=outcome.content)
                )
                return doubt, took_s
            result = await patiently(lambda: self._finish(claimed, outcome))
        if outcome.late is not None:
            self._lane.late.expect(run, claimed.id, outcome.late)
        if outcome.breach is not None:
            raise outcome.breach
        return result, took_s

    async def _finish(self, claimed: Request, outcome: Outcome) -> Result:
        run, content = self._lease.run, outcome.content
        if outcome.ok or outcome.harmless:
            return await self._runs.finish(run, claimed.id, ok=outcome.ok, content=content)
        timed_out = outcome.late is not None
        return await self._runs.raised(run, claimed.id, content=content, timed_out=timed_out)

    def _consume(self) -> None:
        self._open = ()
        self._turn += 1

    async def _proposal(self, proxy: ApprovalProxy, call: Call, asker: str) -> Proposal:
        problem, effective = call.problem, None
        if problem is None:
            try:
                tool = self._built.tools[call.tool]
                reading = time_limit.effective(tool, call.arguments, self._lane.arguments)
                effective = await self._slot.during(reading)
            except InvalidArgumentsError as exc:
                problem = str(exc)
        proposal = Proposal(
            call=ToolCall(
                session_id=self._lease.run.session.id,
                call_id=call.call_id,
                tool=call.tool,
                arguments=call.arguments,
                agent=asker,
                executor=proxy.name,
                rationale=call.rationale,
            ),
            problem=problem,
            offered=call.tool in self._built.offered.get(asker, ()),
            idempotent=call.tool in proxy.idempotent,
        )
        if effective is None:
            return proposal
        return await self._with_checked(proxy, with_effective(proposal, effective))

    async def _with_checked(self, proxy: ApprovalProxy, proposal: Proposal) -> Proposal:
        """What the tool's check and preview say, where people are to read it."""
        call = proposal.call
        checks = proxy.checks_of(call.tool)
        if checks is None or not proposal.offered or not self._runs.asks(call):
            return proposal
        try:
            with blocking_in(self._lane.tools):
                looking = checks.now(call.arguments, self._watch, self._lane.tools)
                checked = await self._slot.during(looking)
        except (PreconditionFailedError, CheckFailedError) as exc:
            return proposal.model_copy(update={"unmet": f"{exc} Nobody was asked."})
        self._lease.require()
        return proposal.model_copy(update={"call": call.model_copy(update={"checked": checked})})

    async def _found(self, proxy: ApprovalProxy, request: Request) -> Found:
        """What the check finds right before the tool runs, where people approved the call."""
        checks, decision = proxy.checks_of(request.tool), request.decision
        by_people = decision is not None and decision.via != Via.POLICY
        if checks is None or not by_people or request.status is not RequestStatus.APPROVED:
            return NOTHING_CHECKED
        try:
            with blocking_in(self._lane.tools):
                looking = checks.facts(request.arguments, self._watch, self._lane.tools)
                facts = await self._slot.during(looking)
        except (PreconditionFailedError, CheckFailedError) as exc:
            return exc
        return Checked(facts=facts)

    @property
    def _watch(self) -> Watch:
        return self._lease.watch or Watch(self._lease.run.session.id)

    def _accepts(self, proxy: ApprovalProxy) -> Mapping[str, JsonObject]:
        tools = self._built.tools
        return {name: tools[name].schema for name in proxy.function_map if name in tools}

    def _elsewhere(self, proxy: ApprovalProxy) -> Mapping[str, str]:
        return {
            tool: other.name
            for other in self._built.proxies
            if other is not proxy
            for tool in other.function_map
        }


def _match(proxy: ApprovalProxy, calls: Sequence[Call], batch: Sequence[Request]) -> None:
    """Refuse to go on unless the stored requests are the calls of the restored message."""
    asked = [(call.call_id, call.tool, call.arguments, proxy.name) for call in calls]
    stored = [(r.call_id, r.tool, _written(r), r.executor) for r in batch]
    if asked != stored or any(r.kind is not RequestKind.TOOL for r in batch):
        raise IntegrityError(
            f"The stored requests {', '.join(r.id for r in batch)} are not the calls of the "
            "restored chat. The session was not continued; start it again."
        )


def _match_input(proxy: ApprovalProxy, call: ToolCall, batch: Sequence[Request]) -> None:
    expected = [(RequestKind.INPUT, call.call_id, proxy.name)]
    if [(r.kind, r.call_id, r.executor) for r in batch] != expected:
        raise IntegrityError(
            f"The stored requests {', '.join(r.id for r in batch)} are not the question of the "
            "restored chat. The session was not continued; start it again."
        )


def _written(request: Request) -> JsonObject:
    """What the agent wrote, whatever the tool's defaults or a person made of it."""
    if request.written is not None:
        return request.written
    return request.arguments if request.proposed_arguments is None else request.proposed_arguments
