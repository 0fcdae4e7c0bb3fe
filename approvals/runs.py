"""Runs: lease a session, submit its calls, claim, finish, complete.

Each method is one transaction: the change of state, its ledger entries and the doorbells for what
follows commit together, before anything is sent or run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.asking import Asking
from countersign.approvals.decisions.claiming import Claiming
from countersign.approvals.decisions.claims import Claims
from countersign.approvals.decisions.ends import BESIDE_GATE as BESIDE_GATE
from countersign.approvals.decisions.ends import End, Ends, completed, failed, stopped_beside
from countersign.approvals.decisions.going_on import go_on, leave
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.handoff import Run as Run
from countersign.approvals.decisions.leasing import Leasing
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.outcomes import Outcomes
from countersign.approvals.decisions.parking import HELD as HELD
from countersign.approvals.decisions.parking import PARK_ATTEMPTS as PARK_ATTEMPTS
from countersign.approvals.decisions.parking import WORKFLOW, Parking, WaitsFor
from countersign.approvals.decisions.run_writes import change
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.decisions.starting import Starting, new_session
from countersign.approvals.decisions.submitting import Submitting
from countersign.approvals.errors import BesideGateError, LostLeaseError
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import (
    ChatState,
    ConversationKey,
    JsonObject,
    PrincipalId,
    Proposal,
    Request,
    RequestId,
    Result,
    Session,
    SessionId,
    ToolCall,
    UndoOffer,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)

TOOL_TIMEOUT_S = 300.0
"""How long a tool is waited for, unless the settings or its rule say otherwise."""


class Runs:
    """What the session manager calls."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        policies: Policies,
        submitting: Submitting,
        claims: Claims,
        outcomes: Outcomes,
        asking: Asking,
        outbox: Outbox,
        handoff: Handoff,
        *,
        tool_timeout_s: float = TOOL_TIMEOUT_S,
    ):
        """`approvals.compose` puts it together; a lease lasts as long as `handoff` says."""
        self._store, self._moments = store, moments
        self._submitting, self._outcomes = submitting, outcomes
        self._outbox, self._handoff = outbox, handoff
        self._starting = Starting(outbox, handoff)
        self._leasing = Leasing(store, moments, outcomes, handoff)
        self._claiming = Claiming(store, moments, policies, claims, asking, tool_timeout_s)
        self._parking, self._ends = Parking(outbox), Ends(outcomes, outbox)
        self.lease_s = handoff.lease_s

    async def start(
        self,
        *,
        workflow: str,
        workflow_version: str,
        task: str,
        owner: PrincipalId,
        conversation: ConversationKey | None = None,
        idempotency_key: str | None = None,
    ) -> Session:
        """A new session that is due at once; the same key gives the same session again."""
        moment, task = self._moments.now(), well_formed(task)
        opening = new_session(
            workflow, workflow_version, task, owner, conversation, idempotency_key, moment.now
        )
        return await self._store.unit(
            lambda unit: self._starting.start(unit, opening, idempotency_key), moment
        )

    async def begin(self, session_id: SessionId) -> Run | None:
        """Lease the session; None if it is over, waits, or is run by somebody now. What a dead
        owner left `executing` becomes in_doubt, or is claimed again if its tool is idempotent."""
        return await self._leasing.begin(session_id)

    async def renew(self, runs: Sequence[Run]) -> frozenset[SessionId]:
        """Keep the leases; returns the ids of those that are lost."""
        return await self._leasing.renew(runs)

    async def release(self, run: Run) -> bool:
        """Give the lease back before a pause: whoever takes the session next goes on from its last
        stored state, at once. False if there was nothing to give back."""
        return await self._leasing.release(run)

    def take_no_more(self) -> None:
        """Leave what becomes due to other processes."""
        self._handoff.shut()

    async def leave(self) -> None:
        """Take over no more sessions; give back those not begun."""
        await self._leasing.leave()

    async def submit(
        self,
        run: Run,
        proposals: Sequence[Proposal],
        *,
        state: ChatState,
        progress: Sequence[str] = (),
        first: bool = False,
    ) -> tuple[Request, ...]:
        """Rule every proposal and store all as one checkpoint: `decisions.submitting`."""
        return await self._submitting.submit(
            run, proposals, state=state, progress=progress, first=first
        )

    async def foresee(
        self, run: Run, proposals: Sequence[Proposal], *, granted: bool = False
    ) -> Sequence[Request]:
        """The requests that calls would be if they were proposed now: `decisions.submitting`."""
        return await self._submitting.foresee(run, proposals, granted=granted)

    async def undone_by(self, session: Session) -> Request:
        """The request that this session takes back. Raises NotFoundError."""
        return await self._store.read(lambda c: request_rows.get(c, session.undoes or ""))

    def asks(self, session: Session, call: ToolCall) -> bool:
        """Whether people would have to approve the call, or may have to past a soft limit."""
        return self._submitting.asks(session, call)

    async def claim(
        self,
        run: Run,
        request_id: RequestId,
        arguments: JsonObject,
        checked: Found = NOTHING_CHECKED,
    ) -> Request | Result | None:
        """Take the one right to run an approved call; `arguments` are those about to run, `checked`
        is what the tool's check finds now, or why it finds nothing.

        A Request (executing): run the tool now, with exactly its arguments and execution token.
        A Request (pending): it was asked again, and the session waits; suspend the chat. None: it
        is paused; likewise. A Result: do not run; this is what the agents are told.
        Raises HeldError, and changes nothing, if it has to wait. Raises IntegrityError, and changes
        nothing, unless it is one of those submitted last.
        """
        return await self._claiming.claim(run, request_id, arguments, checked)

    def time_limit_s(self, session: Session, request: Request) -> float:
        """How long its tool may take: by its rule, or else the setting."""
        return self._claiming.time_limit_s(session, request)

    async def finish(
        self,
        run: Run,
        request_id: RequestId,
        *,
        ok: bool,
        content: str,
        late: bool = False,
        undo: UndoOffer | None = None,
    ) -> Result:
        """Store what the tool returned, with the call that would take it back, or the error after
        which nothing has happened.

        A result is never thrown away: if the lease was lost meanwhile it resolves the doubt, and
        LostLeaseError is raised after it is stored. `late` is one that was not waited for: where
        the call has failed meanwhile, that stands, and the ledger has both.
        """
        finish = partial(self._outcomes.finish, ok=ok, content=content, late=late, undo=undo)
        return await self._store_outcome(run, request_id, finish)

    async def raised(
        self,
        run: Run,
        request_id: RequestId,
        *,
        content: str,
        timed_out: bool = False,
        late: bool = False,
    ) -> Result:
        """Store that a tool raised what it has not declared harmless, or was given up because it
        took too long: it may have taken effect. In doubt where people were asked, else failed,
        unless the rule's `on_error` says otherwise; raises as `finish`."""
        raised = partial(self._outcomes.raised, content=content, timed_out=timed_out, late=late)
        return await self._store_outcome(run, request_id, raised)

    async def _store_outcome(
        self, run: Run, request_id: RequestId, outcome: Callable[[Unit, Run, RequestId], Result]
    ) -> Result:
        def work(unit: Unit) -> tuple[Result, bool]:
            held = lease_rows.holds_lease(unit, run.session.id, run.epoch, request_id)
            stored = outcome(unit, run, request_id)
            leave(unit, run)
            return stored, held

        result, held = await go_on(self._store, self._moments, run, work, request_id)
        if not held:
            raise LostLeaseError(f"Session {run.session.id} is no longer run by epoch {run.epoch}.")
        return result

    async def unknown(self, run: Run, request_id: RequestId, *, message: str) -> Result:
        """Leave a request in doubt because its tool cannot tell; raises as `finish`."""

        def work(unit: Unit) -> Result:
            lease_rows.require_lease(unit, run.session.id, run.epoch)
            return self._outcomes.unknown(unit, run, request_id, well_formed(message))

        return await self._store.unit(work, self._moments.now())

    async def doubt(self, request_id: str) -> None:
        """Nobody will say any more what became of a request whose session has ended."""
        await self._leasing.doubt(request_id)

    async def limited(self, run: Run, entry: tuple[str, JsonObject], *, notice: str) -> None:
        """Calls were refused at a limit, without becoming requests; `notice` is for people."""

        def work(unit: Unit) -> None:
            change(unit, run, [entry])
            if notice:
                self._outbox.tell(unit, run.session, f"**At a limit.** {notice}")

        await self._store.unit(work, self._moments.now())

    async def complete(
        self,
        run: Run,
        *,
        state: ChatState,
        ending: Ending,
        progress: Sequence[str] = (),
    ) -> None:
        """The chat has come to an end by itself: the session is completed or has failed."""
        await self._end(run, completed(ending, state, progress))

    async def fail(self, run: Run, *, error: str, cause: SessionCause = SessionCause.ERROR) -> None:
        """The chat cannot go on; `error` says why and what to do."""
        await self._end(run, failed(well_formed(error), cause))

    async def refuse(self, run: Run, error: BesideGateError) -> None:
        """Something was stopped beside the gate: the attempt is recorded, and the session ends."""
        await self._end(run, stopped_beside(error))

    async def park(
        self,
        run: Run,
        *,
        error: str,
        attempts: int | None = PARK_ATTEMPTS,
        cause: SessionCause = SessionCause.MODEL_UNAVAILABLE,
        waits_for: WaitsFor = WORKFLOW,
    ) -> bool:
        """Give the lease back and come again later, with back-off.

        False when the `attempts` are used up: then the session has failed with `error` and
        `cause`. None never gives up: the session waits for what `error` names, which people and
        the ledger are told once, in the words of `waits_for`.
        """
        error = well_formed(error)
        before = await self._store.read(lambda c: session_rows.attempts(c, run.session.id))
        if attempts is not None and before + 1 >= attempts:
            said = f"{error} (gave up after {before + 1} attempts)"
            await self.fail(run, error=said, cause=cause)
            return False
        named = waits_for if attempts is None else None
        await self._store.unit(
            lambda unit: self._parking.park(unit, run, error, before, waits_for=named),
            self._moments.now(),
        )
        return True

    async def _end(self, run: Run, end: End) -> None:
        await go_on(self._store, self._moments, run, lambda unit: self._ends.end(unit, run, end))
