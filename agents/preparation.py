"""Preparation of calls: effective arguments, and checks before asking and before running."""

from __future__ import annotations

from countersign.agents.calls import Call
from countersign.agents.guard.context_executor import blocking_in
from countersign.agents.guard.contexts import RunContext
from countersign.agents.lanes import Lane, Slot
from countersign.agents.leases import Lease
from countersign.agents.ports import PausableChat, Runner
from countersign.agents.values import time_limit
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.errors import (
    CheckFailedError,
    InvalidArgumentsError,
    PreconditionFailedError,
)
from countersign.approvals.models import (
    Checked,
    Proposal,
    Request,
    RequestStatus,
    ToolCall,
    Via,
)
from countersign.approvals.rules.proposals import with_effective
from countersign.approvals.runs import Runs


class Preparation:
    """Effective arguments, checks and previews of the calls of one run."""

    def __init__(self, runs: Runs, lease: Lease, chat: PausableChat, lane: Lane, slot: Slot):
        self._runs, self._lease, self._chat = runs, lease, chat
        self._lane, self._slot = lane, slot

    async def proposal(self, runner: Runner, call: Call, asker: str) -> Proposal:
        """The call with its effective arguments, or with what is wrong with it."""
        problem, effective = call.problem, None
        if problem is None:
            try:
                tool = self._chat.tools[call.tool]
                if tool.is_quick(call.arguments):
                    effective = tool.effective(call.arguments)
                else:
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
                executor=runner.name,
                rationale=call.rationale,
            ),
            problem=problem,
            offered=call.tool in self._chat.offered.get(asker, ()),
            idempotent=call.tool in runner.idempotent,
        )
        if effective is None:
            return proposal
        return await self._with_checked(runner, with_effective(proposal, effective))

    async def _with_checked(self, runner: Runner, proposal: Proposal) -> Proposal:
        """What the tool's check and preview say, where people are to read it."""
        call = proposal.call
        checks = runner.checks_of(call.tool)
        if (
            checks is None
            or not proposal.offered
            or not (checks.always or self._runs.asks(self._lease.run.session, call))
        ):
            return proposal
        try:
            with blocking_in(self._lane.tools):
                checking = checks.now(call.arguments, self._run_context, self._lane.tools)
                checked = await self._slot.during(checking)
        except (PreconditionFailedError, CheckFailedError) as exc:
            return proposal.model_copy(update={"unmet": f"{exc} Nobody was asked."})
        self._lease.require()
        return proposal.model_copy(update={"call": call.model_copy(update={"checked": checked})})

    async def checked_again(self, runner: Runner, request: Request) -> Found:
        """What the check finds right before the tool runs, where people approved the call."""
        checks, decision = runner.checks_of(request.tool), request.decision
        by_people = decision is not None and decision.via != Via.POLICY
        if checks is None or request.status is not RequestStatus.APPROVED:
            return NOTHING_CHECKED
        if not by_people and not checks.always:
            return NOTHING_CHECKED
        try:
            with blocking_in(self._lane.tools):
                checking = checks.facts(request.arguments, self._run_context, self._lane.tools)
                facts = await self._slot.during(checking)
        except (PreconditionFailedError, CheckFailedError) as exc:
            return exc
        return Checked(facts=facts)

    @property
    def _run_context(self) -> RunContext:
        return self._lease.run_context or RunContext(self._lease.run.session.id)
