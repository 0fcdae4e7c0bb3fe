"""Claiming: a run begins an approved call, waits, or asks people again."""

from __future__ import annotations

from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.claims import Claims, Paused, require_last
from countersign.approvals.decisions.going_on import leave
from countersign.approvals.decisions.handoff import Run
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.run_writes import WAITING
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.models import JsonObject, Request, RequestId, Result, Session
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import sessions as session_rows


class Claiming:
    """Each claim is one transaction, and asking again another one."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        policies: Policies,
        claims: Claims,
        asking: Asking,
        tool_timeout_s: float,
    ):
        self._store, self._moments, self._policies = store, moments, policies
        self._claims, self._asking = claims, asking
        self._tool_timeout_s = tool_timeout_s

    async def claim(
        self,
        run: Run,
        request_id: RequestId,
        arguments: JsonObject,
        checked: Found = NOTHING_CHECKED,
    ) -> Request | Result | None:
        """Take the one right to run an approved call; or what becomes of it instead."""

        def work(unit: Unit) -> Request | Result | AskAgain | None:
            last = lease_rows.require_lease(unit, run.session.id, run.epoch, request_id)
            claimed = self._claims.claim(unit, run, last, request_id, arguments, checked)
            if isinstance(claimed, Request):
                leave(unit, run, claimed)
            if not isinstance(claimed, Paused):
                return claimed
            pause = claimed.pause
            lease_rows.hold(unit, run.session.id, run.epoch, pause=pause.id, error=pause.words)
            return None

        claimed = await self._moments.unit(self._store, work)
        return await self._ask_again(run, claimed) if isinstance(claimed, AskAgain) else claimed

    async def _ask_again(self, run: Run, again: AskAgain) -> Request | Result:
        """The request as it waits again, its session too; or why it cannot be asked any more."""
        today = await self._asking.today(again)

        def work(unit: Unit) -> Request | Result:
            require_last(again.request, lease_rows.require_lease(unit, run.session.id, run.epoch))
            asked = self._asking.ask(unit, again, today)
            if asked.result is not None:
                return asked.result
            now_waits = {**WAITING, "attempts": 0, "error": None}
            session_rows.change(unit, run.session.id, run.epoch, **now_waits)
            return asked

        return await self._store.unit(work, self._moments.now())

    def time_limit_s(self, session: Session, request: Request) -> float:
        """How long its tool may take: by its rule, or else the setting."""
        situation = situation_of(
            session, self._moments.now().people, request.created_at, request.seen
        )
        ruling = self._policies.current.rule(call_of(request, request.arguments), situation)
        return ruling.tool_timeout_s or self._tool_timeout_s
