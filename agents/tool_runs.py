"""Claims a decided request, runs its tool once and stores the result."""

from __future__ import annotations

import time
from functools import partial

from structlog.contextvars import bound_contextvars

from countersign.agents import results
from countersign.agents.lanes import Lane, Slot
from countersign.agents.leases import Lease
from countersign.agents.ports import Runner
from countersign.agents.preparation import Preparation
from countersign.agents.retry import retry_while_unavailable
from countersign.agents.tools.execution import execute
from countersign.agents.tools.outcomes import Late, ToolOutcome, outcome_of
from countersign.agents.tools.permit import SealedTool
from countersign.approvals.decisions.staleness import Found
from countersign.approvals.errors import IntegrityError, LostLeaseError
from countersign.approvals.models import Outcome, Request, RequestStatus, Result
from countersign.approvals.observer import Observer
from countersign.approvals.runs import Runs

AGAIN = (
    "It was called again, as the process that had called it stopped, and now: {0} What the earlier "
    "call has done is not known."
)


class ToolRuns:
    """The executions of one run of a session."""

    def __init__(
        self,
        runs: Runs,
        lease: Lease,
        preparation: Preparation,
        lane: Lane,
        slot: Slot,
        observer: Observer,
    ):
        self._runs, self._lease, self._preparation = runs, lease, preparation
        self._lane, self._slot, self._observer = lane, slot, observer

    async def answer(self, runner: Runner, request: Request) -> str | None:
        """What the agents read as the result of the call; None if it waits: it is paused, or people
        are asked again."""
        with bound_contextvars(request_id=request.id):
            result, took_s = await self._result(runner, request)
            if result is None:
                return None
            # What ran before, and is only read again after a crash, is not counted again.
            if took_s is not None or result.outcome is Outcome.NOT_EXECUTED:
                self._observer.completed(request, result, took_s=took_s)
        return results.text_of(request, result)

    async def _result(self, runner: Runner, request: Request) -> tuple[Result | None, float | None]:
        """The result, and how long the tool ran if it did; None if it waits again."""
        found = await self._preparation.checked_again(runner, request)
        with self._lease.tool():
            known = await self._claimed(runner, request, found)
        await self._slot.acquire()  # released while a tool takes long
        return known

    async def _claimed(
        self, runner: Runner, request: Request, found: Found
    ) -> tuple[Result | None, float | None]:
        with self._observer.span("claim", request):
            claimed = await self._runs.claim(self._lease.run, request.id, request.arguments, found)
        if isinstance(claimed, Result):
            return claimed, None
        if claimed is None or claimed.status is RequestStatus.PENDING:  # paused, or asked again
            return None, None
        tool = runner.function_map.get(claimed.tool)
        if not isinstance(tool, SealedTool):
            raise IntegrityError(f"{runner.name} no longer has the tool {claimed.tool}.")
        again = request.status is RequestStatus.EXECUTING
        try:
            self._lease.require()
        except LostLeaseError as exc:
            outcome = outcome_of(exc, (), began=False)
            return await self._stored(runner, claimed, outcome, again=again), None
        began_s = time.perf_counter()
        with self._observer.span("execute", claimed):
            outcome = await execute(
                tool,
                claimed,
                self._lane.tools,
                self._lease.require,
                validators=self._lane.arguments,
                harmless=runner.harmless_of(claimed.tool),
                limit_s=self._runs.time_limit_s(self._lease.run.session, claimed),
                on_slow=self._slot.release,
            )
        took_s = time.perf_counter() - began_s
        return await self._stored(runner, claimed, outcome, again=again), took_s

    async def _stored(
        self, runner: Runner, claimed: Request, outcome: ToolOutcome, *, again: bool
    ) -> Result:
        """The result once it is stored. Raises IntegrityError if the permit refused.

        That nothing has happened says nothing of an earlier call whose process stopped: that one
        is in doubt then, or the agents would propose it anew, with another execution token.
        """
        run = self._lease.run
        unknown = outcome.unknown or (again and outcome.harmless)
        with self._observer.span("finish", claimed, ok=outcome.ok):
            if unknown:
                message = AGAIN.format(outcome.content) if again else outcome.content
                result = await retry_while_unavailable(
                    lambda: self._runs.unknown(run, claimed.id, message=message)
                )
            else:
                result = await retry_while_unavailable(
                    lambda: self._finish(runner, claimed, outcome)
                )
        if outcome.late is not None:
            late = partial(_of_both, outcome.late) if again else outcome.late
            self._lane.late.expect(run, claimed.id, late)
        if outcome.breach is not None:
            raise outcome.breach
        return result

    async def _finish(self, runner: Runner, claimed: Request, outcome: ToolOutcome) -> Result:
        run, content = self._lease.run, outcome.content
        if outcome.ok or outcome.harmless:
            undo = runner.undo_of(claimed.tool) if outcome.ok else None
            offer = None if undo is None else undo.offer(runner.name, claimed.arguments, content)
            return await self._runs.finish(
                run, claimed.id, ok=outcome.ok, content=content, undo=offer
            )
        timed_out = outcome.late is not None
        return await self._runs.raised(run, claimed.id, content=content, timed_out=timed_out)


async def _of_both(late: Late) -> ToolOutcome | None:
    """What comes late of a second call; nothing if that says only that it did nothing itself."""
    outcome = await late()
    return None if outcome is None or outcome.harmless else outcome
