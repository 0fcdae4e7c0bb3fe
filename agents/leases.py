"""Keeps the leases of all live runs with one background task, and says when one is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from countersign.agents.guard.contexts import RunContext
from countersign.approvals.errors import LostLeaseError, UnavailableError
from countersign.approvals.models import SessionId
from countersign.approvals.runs import Run, Runs

log = structlog.get_logger(__name__)

SHARE = 0.9
"""Of its lease a run uses this share at most; the rest is what the clocks of two servers may differ
by before both think that a session is theirs."""
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed_s() -> float:
    """Seconds on a clock that goes on while this process, or the whole machine, is suspended.

    Source: clock_gettime(2), https://man7.org/linux/man-pages/man2/clock_gettime.2.html, read
    2026-11-25: on Linux CLOCK_MONOTONIC leaves out the time in which the system is suspended,
    CLOCK_BOOTTIME does not. On macOS, which has no such name, CLOCK_MONOTONIC counts it.
    """
    return time.clock_gettime(_CLOCK)


@dataclass
class Lease:
    """This process's hold on one session."""

    run: Run
    ends_s: float
    """When it ends unless it is renewed, on the clock `clock_s`."""
    clock_s: Callable[[], float] = elapsed_s
    task: asyncio.Task[Any] | None = None
    """What runs the session; `stop` needs it."""
    run_context: RunContext | None = None
    """What was tried beside the gate, once the chat is driven."""
    lost: bool = False
    stopping: bool = False
    _in_tool: int = 0
    _cut_off: bool = False

    def require(self) -> None:
        """Return if, as far as this process can know without asking, the lease is still held.

        The store checks again at every write; this stops a run that has nothing to write yet, and
        a tool whose process was frozen after the store was asked. Raises LostLeaseError, or the
        BesideGateError that something in the chat was answered with and went on.
        """
        if self.lost:
            raise LostLeaseError(f"Session {self.run.session.id} is run by another process now.")
        if self.stopping and not self._in_tool:
            raise LostLeaseError("This server is stopping.")
        if self.clock_s() >= self.ends_s:
            raise LostLeaseError(
                f"The lease on session {self.run.session.id} has run out: this process was "
                "suspended, or the store could not be reached."
            )
        if self.run_context is not None:
            self.run_context.require()

    def stop(self) -> None:
        """End the run between two steps: at once, or when the tool that runs now has ended and its
        result is stored."""
        self.stopping = True
        if not self._in_tool and self.task is not None:
            self.task.cancel()

    @contextmanager
    def tool(self) -> Iterator[None]:
        """From the claim to the stored result nothing may come in between, or the request would be
        in doubt. Raises LostLeaseError if nothing is to be begun any more."""
        self.require()
        self._in_tool += 1
        try:
            yield
        except asyncio.CancelledError:
            self._cut_off = True
            raise
        finally:
            self._in_tool -= 1
        if self.stopping:
            self.stop()

    @property
    def cut_off(self) -> bool:
        """Whether a tool of the run was running when the run was ended."""
        return self._cut_off or self._in_tool > 0


class LeaseKeeper:
    """Renews while any run is live. Without runs there is no task."""

    def __init__(
        self,
        runs: Runs,
        *,
        every_s: float,
        clock_s: Callable[[], float] = elapsed_s,
    ):
        self._runs = runs
        self._every_s = every_s
        self._clock_s = clock_s
        self._held: dict[int, Lease] = {}
        self._next: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._reachable = True

    def now_s(self) -> float:
        """The time that `hold` wants to know: read it before the lease is asked for."""
        return self._clock_s()

    @contextmanager
    def hold(self, run: Run, asked_s: float) -> Iterator[Lease]:
        """Keep the lease of `run`, which was asked for at `asked_s`, until the block ends."""
        lease = Lease(run, self._ends_s(asked_s), self._clock_s, asyncio.current_task())
        self._held[id(lease)] = lease
        if self._next is None and self._task is None:
            self._wait()
        try:
            yield lease
        finally:
            del self._held[id(lease)]
            if not self._held and self._task is not None:
                self._task.cancel()

    def held(self) -> list[Lease]:
        """Every lease that is held now."""
        return list(self._held.values())

    async def renew_now(self) -> None:
        """Renew every held lease once, in one transaction."""
        held = self._newest()
        asked_s = self._clock_s()
        try:
            lost = await self._runs.renew([lease.run for lease in held])
        except UnavailableError:
            if self._reachable:
                log.warning("leases cannot be renewed", sessions=len(held))
            self._reachable = False
            return
        if not self._reachable:
            log.info("leases can be renewed again", sessions=len(held))
        self._reachable = True
        for lease in held:
            if lease.run.session.id not in lost:
                lease.ends_s = self._ends_s(asked_s)
            elif id(lease) in self._held:
                lease.lost = True
                log.warning("lease lost", session_id=lease.run.session.id)

    def _newest(self) -> list[Lease]:
        """The held leases without those that a later run of the same session, here, has overtaken:
        a tool of theirs may still be running."""
        newest: dict[SessionId, Lease] = {}
        for lease in sorted(self._held.values(), key=lambda lease: lease.run.epoch):
            if (overtaken := newest.get(lease.run.session.id)) is not None:
                overtaken.lost = True
            newest[lease.run.session.id] = lease
        return list(newest.values())

    def _ends_s(self, asked_s: float) -> float:
        return asked_s + SHARE * self._runs.lease_s

    # Most runs are over long before their lease has to be renewed: a task for each would cost more
    # than all else here. The timer of a run that is over is left to the next one.

    def _wait(self) -> None:
        self._next = asyncio.get_running_loop().call_later(self._every_s, self._wake)

    def _wake(self) -> None:
        self._next = None
        if self._held:
            self._task = asyncio.create_task(self._renew(), name="lease renewal")

    async def _renew(self) -> None:
        try:
            await self.renew_now()
        finally:
            self._task = None
            if self._held:
                self._wait()
