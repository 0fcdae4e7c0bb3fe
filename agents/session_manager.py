"""Runs sessions: leases one, builds or restores its chat, drives it to its next pause or end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Self

import structlog
from structlog.contextvars import bound_contextvars

from countersign.agents.gate import Gate
from countersign.agents.guard.context_executor import carry_context
from countersign.agents.guard.contexts import RunContext, serving
from countersign.agents.lanes import SESSIONS_AT_ONCE, Lanes, Slot, Slots
from countersign.agents.leases import Lease, LeaseKeeper, elapsed_s
from countersign.agents.limits import DEFAULT_LIMITS, ProposalLimits
from countersign.agents.session_chat import Ended, SessionChat, Workflows
from countersign.agents.suspension import ChatSuspendedError, ModelError, refusal_behind, words_of
from countersign.agents.tools.late_results import LateResults
from countersign.agents.undo_chat import UndoChat
from countersign.approvals.errors import (
    BesideGateError,
    ClosedError,
    HeldError,
    IntegrityError,
    LostLeaseError,
    UnavailableError,
    WorkflowMissingError,
)
from countersign.approvals.forms.causes import SessionCause
from countersign.approvals.models import SessionId
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.outages import Outages
from countersign.approvals.runs import HELD, PARK_ATTEMPTS, Run, Runs

log = structlog.get_logger(__name__)

MALFORMED_ATTEMPTS = 4
"""How often a step is tried whose model answers with what is no answer: over some 14 seconds."""
RENEWALS_PER_LEASE = 3
"""A lease survives two renewals that fail."""


class SessionManager:
    """The handler of the job "run". A session that waits costs nothing here."""

    def __init__(
        self,
        runs: Runs,
        workflows: Workflows,
        *,
        at_once: int = SESSIONS_AT_ONCE,
        clock_s: Callable[[], float] = elapsed_s,
        observer: Observer = SILENT,
        limits: ProposalLimits = DEFAULT_LIMITS,
    ):
        self._runs = runs
        self._limits = limits
        self._observer = observer
        self._outages = Outages("model", key="workflow")
        self._missing: set[str] = set()
        self._workflows = workflows
        self._slots = Slots(at_once)
        self._stopping = asyncio.Event()
        self._serving = ExitStack()
        self.leases = LeaseKeeper(runs, every_s=runs.lease_s / RENEWALS_PER_LEASE, clock_s=clock_s)
        self.late = LateResults(runs)
        # Not the event loop's own pool: AutoGen's model calls fill that one. As many threads as
        # there are slots would do, but for sessions that have lent theirs.
        self._lanes = Lanes(2 * at_once, self.late)

    async def __aenter__(self) -> Self:
        """Let the event loop's own pool hand on the context, for AutoGen's model calls."""
        loop = asyncio.get_running_loop()
        carry_context(loop)
        self._serving.enter_context(serving(partial(self._refused_beside, loop)))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the threads go. A tool that still runs is not waited for."""
        self._lanes.close()
        await self.late.close()
        self._serving.close()

    def _refused_beside(self, loop: asyncio.AbstractEventLoop, is_known: bool) -> None:
        """In any thread."""
        with suppress(RuntimeError):  # the loop has been closed
            loop.call_soon_threadsafe(
                partial(self._observer.refused_beside, session_known=is_known)
            )

    def free_slots(self) -> int:
        """How many more sessions can be run at once: see `approvals.decisions.handoff`."""
        return 0 if self._stopping.is_set() else self._slots.free

    def drain(self) -> None:
        """Begin nothing more, and end what runs between two steps; a tool may end first.

        What a model was asked is asked again by whoever goes on. Their leases are given back as the
        runs end, which the jobs that run them can be waited for.
        """
        self._stopping.set()
        self._runs.take_no_more()
        for lease in self.leases.held():
            lease.stop()

    async def run(self, session_id: str) -> None:
        """Take the session as far as it goes: to its next pause, its end or its failure.

        Harmless to repeat: a session that is over, waiting or run by somebody else is left alone.
        Raises UnavailableError if the store cannot be reached.
        """
        async with Slot(self._slots) as slot:
            await self._run(session_id, slot)

    async def _run(self, session_id: str, slot: Slot) -> None:
        if self._stopping.is_set():
            return
        asked_s = self.leases.now_s()
        run = await self._runs.begin(SessionId(session_id))
        if run is None:
            return
        proposed = run.batch[0] if run.batch else None
        with (
            self.leases.hold(run, asked_s - run.age_s) as lease,
            bound_contextvars(session_id=session_id),
            self._observer.span("run", proposed, session_id=session_id),
        ):
            try:
                if self._stopping.is_set():  # while the session was leased
                    lease.stop()
                await self._advance(lease, slot)
            except (LostLeaseError, ClosedError) as exc:
                log.info("run stopped", reason=str(exc))
            finally:
                if lease.stopping:
                    await self._release(lease)

    async def _release(self, lease: Lease) -> None:
        if lease.cut_off:
            log.error("tool cut off: its request will be in doubt, because it did not end in time")
        if await self._runs.release(lease.run):
            log.info("session put down")

    async def _advance(self, lease: Lease, slot: Slot) -> None:
        run = lease.run
        try:
            undoes = run.session.undoes is not None
            if not undoes:  # of which nothing that was built before is restored
                self._require_same_version(run)
            async with self._workflows.session_chat(run.session.workflow) as chat:
                if undoes:
                    chat = UndoChat(chat, run.session, await self._runs.undone_by(run.session))
                await self._drive(lease, chat, slot)
        except (LostLeaseError, ClosedError, UnavailableError):
            raise
        except Exception as exc:  # agents run code of others: whatever it is, it is said
            await self._give_up(run, exc)

    async def _drive(self, lease: Lease, chat: SessionChat, slot: Slot) -> None:
        gate = Gate(
            self._runs,
            lease,
            chat,
            chat.progress,
            self._lanes.of(lease.run.session.workflow),
            slot,
            observer=self._observer,
            limits=self._limits,
        )
        run_context = lease.run_context = chat.chat_context.run_context = RunContext(
            lease.run.session.id
        )
        try:
            with run_context.on():
                ended = await self._chat(lease.run, chat, gate)
        except ChatSuspendedError:
            self._outages.up(lease.run.session.workflow)
            log.info("session waits")
            return
        except Exception as exc:
            run_context.require()  # whatever became of the refusal on its way
            if (refusal := refusal_behind(exc)) is not None:
                raise refusal from None
            raise
        self._outages.up(lease.run.session.workflow)
        lease.require()
        ending = ended.ending
        await self._runs.complete(
            lease.run,
            state=chat.state(chat.runners[0].name, gate.turn),
            ending=ending,
            progress=gate.progress.lines(without=ending.answer),
        )
        log.info(f"session {ending.status}", cause=ending.cause.value, usage=ended.usage)

    async def _chat(self, run: Run, chat: SessionChat, gate: Gate) -> Ended:
        if run.chat is None:
            return await chat.begin(gate, run.session.task)
        position = chat.restore(run.chat)
        lacks_batch = position.needs_batch and not run.batch
        if lacks_batch or position.waiting not in {each.name for each in chat.runners}:
            raise IntegrityError(
                f"Session {run.session.id} is stored as waiting for {position.waiting}, which has "
                "no open request. Start it again."
            )
        gate.resume(position.turn)
        return await chat.resume(gate, position.waiting)

    def _require_same_version(self, run: Run) -> None:
        session = run.session
        info = self._workflows.info(session.workflow)
        now = info.version
        if session.workflow_version not in (now, *info.also):
            raise WorkflowMissingError(
                f"The session began on version {session.workflow_version} of "
                f"{session.workflow}; this server has {now}. Bring back the version it began on, "
                "or cancel the session and start a new one."
            )

    async def _give_up(self, run: Run, error: Exception) -> None:
        if isinstance(error, WorkflowMissingError):
            # Its workflow is missing or another one now. What people decided is kept for the day
            # when it is back, as long as it is valid.
            if run.session.workflow_version not in self._missing:  # sessions ask again and again
                self._missing.add(run.session.workflow_version)
                log.error("session has no workflow", error=str(error))
            await self._runs.park(run, error=words_of(error), attempts=None)
            return
        if isinstance(error, HeldError):
            log.info("session held", reason=str(error))
            await self._runs.park(run, error=words_of(error), attempts=None, waits_for=HELD)
            return
        if isinstance(error, BesideGateError):
            await self._runs.refuse(run, error)
            return
        cause = error.cause if isinstance(error, ModelError) else SessionCause.ERROR
        if isinstance(error, ModelError) and error.is_temporary:
            self._outages.down(run.session.workflow, str(error))
            log.info("session parked", error=type(error.__cause__ or error).__name__)
            malformed = cause is SessionCause.MALFORMED
            attempts = MALFORMED_ATTEMPTS if malformed else PARK_ATTEMPTS
            await self._runs.park(run, error=str(error), attempts=attempts, cause=cause)
            return
        log.error("session failed", exc_info=error)
        await self._runs.fail(run, error=words_of(error), cause=cause)
