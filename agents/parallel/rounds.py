"""Rounds: all branches go as far as they can alone, then what they are held with is one checkpoint.

Models of different branches work side by side. Tools run one after the other, of calls that nobody
has to approve as they come, of a checkpoint in the declared order of the branches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars

from countersign.agents.gate import Gate
from countersign.agents.parallel.branch import Branch, Pending
from countersign.agents.parallel.records import Stage
from countersign.agents.suspension import ChatSuspendedError, ModelError, refusal_behind
from countersign.approvals.errors import (
    BesideGateError,
    ClosedError,
    HeldError,
    IntegrityError,
    LostLeaseError,
    UnavailableError,
    WorkflowMissingError,
)
from countersign.approvals.forms.wording import as_text
from countersign.approvals.models import ChatState, Proposal, RequestStatus

log = structlog.get_logger(__name__)

_OF_THE_SESSION = (
    BesideGateError,
    ClosedError,
    HeldError,
    IntegrityError,
    LostLeaseError,
    UnavailableError,
    WorkflowMissingError,
)
"""What stops all branches, in whichever it is met."""


class Rounds:
    """The branches of one run."""

    def __init__(self, gate: Gate, state: Callable[[], ChatState]):
        """`state` gives that of the whole session as it would be stored now."""
        self._gate, self._state = gate, state
        self.branches: Sequence[Branch] = ()
        self._tools = asyncio.Lock()
        self._error: Exception | None = None
        self._suspended = self._closing = self._has_proposed = False

    @property
    def broke_off(self) -> bool:
        """Whether branches were stopped in the middle of what they did."""
        return self._closing

    async def play(self, task: str) -> None:
        """All of them to their ends. Raises ChatSuspendedError at a pause, or what stops all."""
        reopened = self._at(Stage.OPEN)
        self._has_proposed = any(each.record.chat is not None for each in self.branches)
        if reopened:
            await self._side_by_side(reopened, task)
            await self._carry_out(reopened)
        while live := [each for each in self.branches if each.record.is_live]:
            await self._side_by_side(live, task)
            await self._require_none_stalled()
            if held := self._at(Stage.HELD):
                await self._checkpoint(held)

    async def at_once(self, branch: Branch, pending: Pending) -> bool:
        """Propose calls that nobody has to approve and carry them out; False if somebody has to,
        after all: then the whole session waits."""
        async with self._tools:
            if self._closing:
                return False
            try:
                done = await self._proposed([branch])
            except BaseException as exc:
                self._closing = True  # nothing is stored after what was not
                self._error = exc if isinstance(exc, Exception) else None
                raise
            self._closing = self._closing or not done
            return done

    def said(self, among: Sequence[Branch], *, answered: bool = False) -> list[str]:
        """What the thread has not been told of these, and of those that came to their end; without
        their last words if these are `answered` to whoever asked."""
        lines: list[str] = []
        for branch in self.branches:
            record = branch.record
            ended = not record.is_live and not record.told
            if branch in among or ended:
                answer = record.ending.answer if answered and record.ending is not None else ""
                lines += branch.progress.lines(without=answer)
            if ended:
                if branch.failure is not None:
                    name, why = branch.failure
                    lines.append(f"**Branch {name} failed.** {as_text(why)}")
                branch.record = branch.record.said()
        return lines

    def _at(self, stage: Stage) -> list[Branch]:
        return [each for each in self.branches if each.record.stage is stage]

    async def _checkpoint(self, held: Sequence[Branch]) -> None:
        if not await self._proposed(held):
            raise ChatSuspendedError

    async def _proposed(self, held: Sequence[Branch]) -> bool:
        """Propose what these are held with, together, and carry it out; False if it has to wait."""
        failed = dict(each.failure for each in self.branches if each.failure is not None)
        counts: list[int] = []
        proposals: list[Proposal] = []
        for branch in held:
            own = branch.opened(failed)
            counts.append(len(own))
            proposals += own
        said, first = self.said(held), not self._has_proposed
        requests = await self._gate.submissions.submit(proposals, self._state(), said, first=first)
        self._has_proposed, start = True, 0
        for branch, count in zip(held, counts, strict=True):
            branch.proposed(requests[start : start + count])
            start += count
        self._suspended = any(each.status is RequestStatus.PENDING for each in requests)
        if not self._suspended:
            self._suspended = not await self._all_carried_out(held)
        return not self._suspended

    async def _carry_out(self, branches: Sequence[Branch]) -> None:
        if any(branch.pending and branch.pending.batch.waits for branch in branches):
            raise ChatSuspendedError
        for branch in branches:
            branch.require_held()
        if not await self._all_carried_out(branches):
            raise ChatSuspendedError

    async def _all_carried_out(self, branches: Sequence[Branch]) -> bool:
        for branch in branches:
            if not await branch.carry_out_pending():
                return False
        return True

    async def _require_none_stalled(self) -> None:
        stalled = [each.stalled for each in self.branches if each.stalled is not None]
        if stalled:  # the others are where they are when it is tried again
            await self._gate.submissions.store(self._state(), self.said(self._at(Stage.HELD)))
            raise stalled[0]

    async def _side_by_side(self, branches: Sequence[Branch], task: str) -> None:
        """Each as far as it goes. Raises what stops all of them, when no tool runs any more."""
        tasks = [asyncio.create_task(self._advance(each, task)) for each in branches]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            raised = (each.done() and each.exception() is not None for each in tasks)
            self._closing = self._closing or any(raised)
            if self._closing:
                async with self._tools:  # what runs may end first
                    await _ended(tasks)
        except asyncio.CancelledError:
            await _ended(tasks)
            raise
        for each in tasks:
            if not each.cancelled() and (error := each.exception()) is not None:
                raise error

    async def _advance(self, branch: Branch, task: str) -> None:
        with bound_contextvars(branch=branch.name):
            try:
                branch.over(await branch.go_on(task))
            except ChatSuspendedError:
                if self._suspended:
                    raise
            except _OF_THE_SESSION:
                raise
            except Exception as exc:  # agents run code of others: whatever it is, it is said
                if (whole := self._error or refusal_behind(exc)) is not None:
                    raise whole from None
                if branch.record.stage is Stage.OPEN:  # what people decided on is not dropped
                    raise
                if isinstance(exc, ModelError) and exc.is_temporary:
                    branch.stalled = exc
                    return
                log.error("branch failed", exc_info=exc)
                branch.failed(exc)


async def _ended(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
