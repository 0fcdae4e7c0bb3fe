"""Runs: lease a session, submit its calls, claim, finish, complete.

Each method is one transaction: the change of state, its ledger entries and the doorbells for what
follows commit together, before anything is sent or run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.budgeting import Budgeting
from countersign.approvals.decisions.claims import Claims, Paused, require_last
from countersign.approvals.decisions.ends import BESIDE_GATE as BESIDE_GATE
from countersign.approvals.decisions.ends import End, Ends, completed, failed, stopped_beside
from countersign.approvals.decisions.grant_uses import GrantUses
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.handoff import Run as Run
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.outcomes import Outcomes
from countersign.approvals.decisions.parking import HELD as HELD
from countersign.approvals.decisions.parking import PARK_ATTEMPTS as PARK_ATTEMPTS
from countersign.approvals.decisions.parking import WORKFLOW, Parking, WaitsFor
from countersign.approvals.decisions.proposing import Proposing
from countersign.approvals.decisions.run_writes import WAITING, change
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.decisions.starting import Starting, new_session
from countersign.approvals.errors import (
    BesideGateError,
    LostLeaseError,
    UnavailableError,
)
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.models import (
    ChatState,
    ConversationKey,
    JsonObject,
    PrincipalId,
    Proposal,
    Request,
    RequestId,
    RequestStatus,
    Result,
    Session,
    SessionId,
    ToolCall,
)
from countersign.approvals.ports import Moment, Store, Unit
from countersign.approvals.rules.budgets.judging import NOTHING_USED, Usage
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.rules.repeats import call_hashes
from countersign.approvals.store import chat_states as chat_rows
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import ledger as ledger_rows
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
        proposing: Proposing,
        claims: Claims,
        outcomes: Outcomes,
        asking: Asking,
        outbox: Outbox,
        handoff: Handoff,
        grants: GrantUses,
        budgeting: Budgeting,
        *,
        tool_timeout_s: float = TOOL_TIMEOUT_S,
    ):
        """`approvals.compose` puts it together; a lease lasts as long as `handoff` says."""
        self._store, self._moments = store, moments
        self._policies, self._proposing = policies, proposing
        self._claims, self._outcomes, self._asking = claims, outcomes, asking
        self._outbox, self._handoff, self._grants = outbox, handoff, grants
        self._budgeting = budgeting
        self._starting = Starting(outbox, handoff)
        self._parking, self._ends = Parking(outbox), Ends(outcomes, outbox)
        self._tool_timeout_s = tool_timeout_s
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
        """Lease the session; None if it is over, waiting for people, or run by somebody now.

        Requests that a dead owner left `executing` become in_doubt here, unless the tool is
        idempotent: then `claim` hands them out again with the same execution token.
        """
        moment = self._moments.now()
        if (run := self._handoff.hand_over(session_id, moment.now)) is not None:
            return run
        return await self._store.unit(lambda unit: self._begin(unit, session_id), moment)

    def _begin(self, unit: Unit, session_id: SessionId) -> Run | None:
        taken = lease_rows.take_lease(
            unit.connection,
            session_id,
            owner=self._handoff.owner,
            now=unit.now,
            lease_s=self.lease_s,
        )
        if taken is None:
            return None
        session, epoch, chat = taken
        batch: Sequence[Request] = ()
        if session.checkpoint_id is not None:
            batch = request_rows.of_checkpoint(unit.connection, session_id, session.checkpoint_id)
        doubted = tuple(self._outcomes.doubt(unit, session, request) for request in batch)
        return Run(session=session, epoch=epoch, chat=chat, batch=doubted)

    async def renew(self, runs: Sequence[Run]) -> frozenset[SessionId]:
        """Keep the leases; returns the ids of those that are lost."""
        now = self._moments.now().now
        return await self._store.write(
            lambda c: frozenset(
                run.session.id
                for run in runs
                if not lease_rows.renew_lease(
                    c, run.session.id, run.epoch, now=now, lease_s=self.lease_s
                )
            )
        )

    async def release(self, run: Run) -> bool:
        """Give the lease back before the run has come to a pause: whoever takes the session next
        goes on from its last stored state, at once. False if there was nothing to give back."""
        now = self._moments.now().now
        return await self._store.write(
            lambda c: lease_rows.release_lease(c, run.session.id, run.epoch, now=now)
        )

    def take_no_more(self) -> None:
        """Leave what becomes due to other processes."""
        self._handoff.shut()

    async def leave(self) -> None:
        """Take over no more sessions; give back those that were taken and not begun."""
        for run in self._handoff.close():
            with suppress(UnavailableError):  # then they are due when their leases end
                await self.release(run)

    async def submit(
        self,
        run: Run,
        proposals: Sequence[Proposal],
        *,
        state: ChatState,
        progress: Sequence[str] = (),
        first: bool = False,
    ) -> tuple[Request, ...]:
        """Rule every proposal and store all as one checkpoint with the chat's state. `first`: the
        session has proposed nothing before.

        If any request is pending afterwards, the session waits and the lease is given back: the
        caller must suspend the chat.
        """
        is_first = first and run.chat is None
        moment, sha256 = self._moments.now(), state.transcript_sha256
        earlier, usage = await self._before(run.session, proposals, moment, is_first=is_first)
        granted = await self._grants.candidates([p.call.tool for p in proposals], moment)
        checkpoint = self._proposing.checkpoint(
            run.session, proposals, earlier, sha256, moment, granted, usage
        )
        requests, entries = list(checkpoint.requests), checkpoint.entries
        if not entries:  # the chat's state alone
            entries = [("stored", {"transcript_sha256": sha256})]
        waiting = [r for r in requests if r.status is RequestStatus.PENDING]
        said = [*progress, *checkpoint.told]

        def work(unit: Unit) -> None:
            seq, _ = ledger_rows.locked_head(unit, run.session.id)
            for number, request in enumerate(requests):
                place = {"ledger_seq": seq + 1 + number}
                requests[number] = request.model_copy(update=place)
            request_rows.insert(unit, requests)
            stored = chat_rows.put(unit, run.session.id, state)
            change(
                unit,
                run,
                entries,
                checkpoint_id=checkpoint.id,
                **stored,
                attempts=0,
                error=None,
                **(WAITING if waiting else {}),
            )
            self._outbox.show(unit, run.session, waiting, said=said)

        await self._store.unit(work, moment)
        return tuple(requests)

    async def foresee(self, run: Run, proposal: Proposal) -> Request:
        """What would become of a call if it were proposed now: the request that it would be, judged
        in the same way. Nothing is stored, and nobody is asked."""
        moment = self._moments.now()
        earlier, usage = await self._before(run.session, [proposal], moment, is_first=False)
        checkpoint = self._proposing.checkpoint(
            run.session, [proposal], earlier, "", moment, usage=usage
        )
        (request,) = checkpoint.requests
        return request

    async def _before(
        self, session: Session, proposals: Sequence[Proposal], moment: Moment, *, is_first: bool
    ) -> tuple[list[Request], Usage]:
        """The same calls that the session has proposed before, of which nobody decides any now: the
        chat goes on; and what is used of the budgets that these draw on."""
        hashes = frozenset() if is_first else call_hashes(proposals)
        situation = situation_of(session, moment.people, moment.now)
        draws = self._budgeting.draws(proposals, situation)
        if not hashes and not draws:
            return [], NOTHING_USED

        def read(connection: Connection) -> tuple[list[Request], Usage]:
            alike = request_rows.alike(connection, session.id, hashes) if hashes else []
            if not draws:
                return alike, NOTHING_USED
            return alike, self._budgeting.usage(connection, proposals, situation, moment.now)

        return await self._store.read(read)

    def asks(self, session: Session, call: ToolCall) -> bool:
        """Whether people would have to approve the call, or may have to past a soft limit."""
        moment = self._moments.now()
        situation = situation_of(session, moment.people, moment.now)
        return self._budgeting.may_ask(call, situation)

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
        A Request (pending): it was asked again, and the session waits; suspend the chat.
        None: it is paused, and the session waits for the end of that; likewise.
        A Result: do not run; this is what the agents are told.
        Raises HeldError, and changes nothing, if it has to wait. Raises IntegrityError, and changes
        nothing, unless it is one of those submitted last.
        """

        def work(unit: Unit) -> Request | Result | AskAgain | None:
            last = lease_rows.require_lease(unit, run.session.id, run.epoch)
            claimed = self._claims.claim(unit, run, last, request_id, arguments, checked)
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

    async def finish(
        self, run: Run, request_id: RequestId, *, ok: bool, content: str, late: bool = False
    ) -> Result:
        """Store what the tool returned, or the error after which nothing has happened.

        A result is never thrown away: if the lease was lost meanwhile it resolves the doubt, and
        LostLeaseError is raised after it is stored. `late` is one that was not waited for: where
        the call has failed meanwhile, that stands, and the ledger has both.
        """
        finish = partial(self._outcomes.finish, ok=ok, content=content, late=late)
        return await self._store_outcome(run, lambda unit: finish(unit, run, request_id))

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
        took too long: it may have taken effect.

        In doubt where people were asked, else failed, unless the rule's `on_error` says otherwise.
        Raises LostLeaseError as `finish` does.
        """
        raised = partial(self._outcomes.raised, content=content, timed_out=timed_out, late=late)
        return await self._store_outcome(run, lambda unit: raised(unit, run, request_id))

    async def _store_outcome(self, run: Run, outcome: Callable[[Unit], Result]) -> Result:
        def work(unit: Unit) -> tuple[Result, bool]:
            held = lease_rows.holds_lease(unit, run.session.id, run.epoch)
            return outcome(unit), held

        result, held = await self._store.unit(work, self._moments.now())
        if not held:
            raise LostLeaseError(f"Session {run.session.id} is no longer run by epoch {run.epoch}.")
        return result

    async def unknown(self, run: Run, request_id: RequestId, *, message: str) -> Result:
        """Leave a request in doubt because its tool cannot tell whether it took effect.

        Raises LostLeaseError as `finish` does.
        """

        def work(unit: Unit) -> Result:
            lease_rows.require_lease(unit, run.session.id, run.epoch)
            return self._outcomes.unknown(unit, run, request_id, well_formed(message))

        return await self._store.unit(work, self._moments.now())

    async def doubt(self, request_id: str) -> None:
        """Nobody will say any more what became of a request whose session has ended."""

        def work(unit: Unit) -> bool:
            request_rows.lock(unit, request_id)
            request = request_rows.get(unit.connection, request_id)
            session = session_rows.get(unit.connection, request.session_id)
            if session.status in session_rows.LIVE:
                return False
            after = self._outcomes.doubt(unit, session, request, even_idempotent=True)
            return after is not request

        if await self._store.unit(work, self._moments.now()):
            log.warning("request in doubt", request_id=request_id)

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
        await self._store.unit(lambda unit: self._ends.end(unit, run, end), self._moments.now())
