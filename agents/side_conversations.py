"""Side conversations: has the agent that proposed a call answer a question about it.

The chat is built, or taken from the pool, and restored from what the waiting session has stored;
nothing of what is said in it is written there, and the session is not leased.
"""

from __future__ import annotations

import asyncio
import math

import structlog
from structlog.contextvars import bound_contextvars

from countersign.agents.guard.contexts import RunContext
from countersign.agents.lanes import Lanes, Slot, Slots
from countersign.agents.leases import Lease
from countersign.agents.session_chat import SessionChat, Versions, Workflows
from countersign.agents.side_gate import (
    DEFAULT_SIDE_LIMITS,
    CannotAnswerError,
    Exchange,
    SideGate,
    SideLimits,
)
from countersign.agents.suspension import ModelError, words_of
from countersign.agents.tools.late_results import LateResults
from countersign.approvals.decisions.answering import Answering, Side
from countersign.approvals.decisions.second_thoughts import SecondThought
from countersign.approvals.errors import (
    BesideGateError,
    ConflictError,
    StaleDigestError,
    UnavailableError,
    WorkflowMissingError,
)
from countersign.approvals.models import LookUp
from countersign.approvals.runs import Runs

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""Questions that are answered at once in one process, beside its sessions."""
EARLIER = 5
"""Answered questions on the same request that the agent is reminded of."""


class SideConversations:
    """The handler of the job "answer"."""

    def __init__(
        self,
        answering: Answering,
        runs: Runs,
        workflows: Workflows,
        late: LateResults,
        *,
        limits: SideLimits = DEFAULT_SIDE_LIMITS,
    ):
        self._answering, self._runs, self._workflows = answering, runs, workflows
        self._limits, self._slots = limits, Slots(AT_ONCE)
        self._lanes = Lanes(AT_ONCE, late)
        self._stopping = False
        self._tasks: set[asyncio.Task[object]] = set()

    def close(self) -> None:
        """Let the threads go. What still runs in them is not waited for."""
        self._lanes.close()

    def drain(self) -> None:
        """Begin nothing more, and leave what is under way to another server."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()

    def _is_stopping(self) -> bool:
        return self._stopping

    async def answer(self, question_id: str) -> None:
        """Have the question answered, if that is due. Harmless to repeat: what is answered here or
        elsewhere is left alone. Raises UnavailableError if the store cannot be reached."""
        async with Slot(self._slots) as slot:
            if self._is_stopping():
                return
            side = await self._answering.begin(question_id)
            if side is None:
                return
            work = asyncio.ensure_future(self._attempt(side, slot))
            self._tasks.add(work)
            try:
                await work
            except asyncio.CancelledError:
                work.cancel()
                if not self._is_stopping():
                    raise
                await self._answering.release(side)
            except ConflictError as exc:
                log.info("question left alone", question_id=question_id, reason=str(exc))
            finally:
                self._tasks.discard(work)

    async def _attempt(self, side: Side, slot: Slot) -> None:
        look_ups: list[LookUp] = []
        with bound_contextvars(session_id=side.session.id, question_id=side.question.id):
            try:
                async with asyncio.timeout(self._limits.seconds):
                    text = await self._conversation(side, slot, look_ups)
            except (UnavailableError, ConflictError):
                raise
            except TimeoutError:
                why = f"It did not answer within {self._limits.seconds:g} seconds."
                await self._unanswered(side, why, look_ups)
            except ModelError as exc:
                if exc.is_temporary:
                    log.info("question put off", error=str(exc))
                    await self._answering.again(side, str(exc))
                else:
                    await self._unanswered(side, str(exc), look_ups)
            except Exception as exc:  # agents run code of others: whatever it is, it is said
                if not isinstance(exc, CannotAnswerError | WorkflowMissingError):
                    log.error("question failed", exc_info=exc)
                await self._unanswered(side, words_of(exc), look_ups)
            else:
                await self._end(side, text, look_ups)

    async def _end(self, side: Side, said: str | SecondThought, look_ups: list[LookUp]) -> None:
        if isinstance(said, str):
            await self._answering.answered(side, said, look_ups)
            log.info("question answered", look_ups=len(look_ups))
            return
        try:
            await self._answering.thought_better(side, said, look_ups)
        except StaleDigestError as exc:  # it is asked about what people made of it meanwhile
            log.info("question put off", error=str(exc))
            await self._answering.again(side, str(exc))
        else:
            log.info("proposal changed" if said.instead else "proposal taken back")

    async def _unanswered(self, side: Side, why: str, look_ups: list[LookUp]) -> None:
        log.info("question handed over", reason=why)
        await self._answering.unanswered(side, why, look_ups)

    async def _conversation(
        self, side: Side, slot: Slot, look_ups: list[LookUp]
    ) -> str | SecondThought:
        if side.chat is None:
            raise CannotAnswerError("Nothing of its chat is stored.")
        _require_same(self._workflows.info(side.session.workflow), side)
        lease = Lease(side.run, math.inf)
        context = lease.run_context = RunContext(side.session.id)
        async with self._workflows.session_chat(side.session.workflow) as chat:
            chat.chat_context.run_context = context
            chat.restore(side.chat)
            lane = self._lanes.of(side.session.workflow)
            gate = SideGate(
                self._answering, self._runs, side, lease, chat, lane, slot, self._limits
            )
            gate.look_ups = look_ups
            return await self._consulted(side, chat, gate, context)

    @staticmethod
    async def _consulted(
        side: Side, chat: SessionChat, gate: SideGate, context: RunContext
    ) -> str | SecondThought:
        said = [
            *(
                Exchange(each.asker_name, each.text, each.answer)
                for each in side.earlier[-EARLIER:]
            ),
            Exchange(side.question.asker_name, side.question.text),
        ]
        with context.on():
            text = await chat.consult(gate, side.request.agent, said)
        if context.refusal is not None:
            raise CannotAnswerError(_beside(context.refusal))
        return text if gate.thought is None else gate.thought


def _beside(refusal: BesideGateError) -> str:
    return f"It was stopped: it was about to {refusal.tried}."


def _require_same(info: Versions, side: Side) -> None:
    if side.session.workflow_version not in (info.version, *info.also):
        raise WorkflowMissingError(
            f"Its session began on version {side.session.workflow_version} of "
            f"{side.session.workflow}; this server has {info.version}."
        )
