"""Runs: lease a session, submit its calls, claim, finish, complete.

Each method is one transaction: the change of state, its ledger entries and the doorbells for what
follows commit together, before anything is sent or run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.canonical import sha256_hex, well_formed
from countersign.approvals.backoff import backoff_s
from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.ends import BESIDE_GATE as BESIDE_GATE
from countersign.approvals.decisions.ends import End, completed, failed, stopped_beside
from countersign.approvals.decisions.executions import Executions
from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.handoff import Run as Run
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.proposing import Proposing
from countersign.approvals.decisions.staleness import NOTHING_CHECKED, Found
from countersign.approvals.decisions.starting import new_session
from countersign.approvals.errors import (
    BesideGateError,
    InvalidError,
    LostLeaseError,
    UnavailableError,
)
from countersign.approvals.forms.causes import Ending, SessionCause
from countersign.approvals.forms.wording import as_text
from countersign.approvals.models import (
    ConversationKey,
    Effect,
    JsonObject,
    PrincipalId,
    Proposal,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Result,
    Session,
    SessionId,
    SessionStatus,
    ToolCall,
)
from countersign.approvals.ports import (
    Clock,
    Directory,
    Store,
    ToolCatalog,
)
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.proposals import (
    call_of,
)
from countersign.approvals.store import changes, codec
from countersign.approvals.store import leases as lease_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)

TOOL_TIMEOUT_S = 300.0
"""How long a tool is waited for, unless the settings or its rule say otherwise."""
PARK_ATTEMPTS = 14
"""With the back-off below: about half an hour of an unreachable model before a session fails."""
WAITS = "This waits for its workflow and has not run."
PARK_BASE_S, PARK_MAX_S = 2.0, 300.0


_WAITING = {
    "status": SessionStatus.WAITING.value,
    "next_at": None,
    "lease_until": None,
    "lease_owner": None,
}
"""The columns of a session that waits for people: nobody runs it."""


class Runs:
    """What the session manager calls."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        policy: Policy,
        directory: Directory,
        catalog: ToolCatalog,
        outbox: Outbox,
        asking: Asking,
        executions: Executions,
        handoff: Handoff,
        *,
        tool_timeout_s: float = TOOL_TIMEOUT_S,
    ):
        """`approvals.compose` puts it together; a lease lasts as long as `handoff` says."""
        self._store = store
        self._clock = clock
        self._tool_timeout_s = tool_timeout_s
        self._policy = policy
        self._proposing = Proposing(policy, directory, catalog)
        self._outbox, self._asking = outbox, asking
        self._executions, self._handoff = executions, handoff
        self.lease_s = self._handoff.lease_s

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
        now, task = self._clock.now(), well_formed(task)
        opening = new_session(
            workflow, workflow_version, task, owner, conversation, idempotency_key, now
        )
        session = opening.session

        def unit(connection: Connection) -> Session:
            if idempotency_key is not None:
                known = session_rows.by_key(connection, idempotency_key)
                if known is not None:
                    if (known.workflow, known.task, known.owner) != (
                        workflow,
                        task,
                        owner,
                    ):
                        raise InvalidError(
                            f"The idempotency key already belongs to session {known.id}, which "
                            "was asked for differently. Use a new key."
                        )
                    return known
            lease = self._handoff.lease(now)
            session_rows.insert(
                connection,
                session,
                idempotency_key=idempotency_key,
                next_at=now,
                head=opening.head,
                lease=lease,
            )
            ledger_rows.insert(connection, opening.rows)
            if lease is None:
                self._outbox.run(connection, session.id)
            else:
                self._handoff.started(connection, session, now)
                self._outbox.run_here(connection, session.id)
            return session

        return await self._store.write(unit)

    async def begin(self, session_id: SessionId) -> Run | None:
        """Lease the session; None if it is over, waiting for people, or run by somebody now.

        Requests that a dead owner left `executing` become in_doubt here, unless the tool is
        idempotent: then `claim` hands them out again with the same execution token.
        """
        now = self._clock.now()
        if (run := self._handoff.hand_over(session_id, now)) is not None:
            return run

        def unit(connection: Connection) -> Run | None:
            taken = lease_rows.take_lease(
                connection, session_id, owner=self._handoff.owner, now=now, lease_s=self.lease_s
            )
            if taken is None:
                return None
            session, epoch, snapshot = taken
            batch = (
                ()
                if session.checkpoint_id is None
                else tuple(
                    self._executions.doubt(connection, request, now)
                    for request in request_rows.of_checkpoint(
                        connection, session_id, session.checkpoint_id
                    )
                )
            )
            return Run(session=session, epoch=epoch, snapshot=snapshot, batch=batch)

        return await self._store.write(unit)

    async def renew(self, runs: Sequence[Run]) -> frozenset[SessionId]:
        """Keep the leases; returns the ids of those that are lost."""
        now = self._clock.now()

        def unit(connection: Connection) -> frozenset[SessionId]:
            return frozenset(
                run.session.id
                for run in runs
                if not lease_rows.renew_lease(
                    connection, run.session.id, run.epoch, now=now, lease_s=self.lease_s
                )
            )

        return await self._store.write(unit)

    async def release(self, run: Run) -> bool:
        """Give the lease back before the run has come to a pause: whoever takes the session next
        goes on from its last stored state, at once. False if there was nothing to give back."""
        now = self._clock.now()
        return await self._store.write(
            lambda c: lease_rows.release_lease(c, run.session.id, run.epoch, now=now)
        )

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
        snapshot: str,
        transcript: str,
        progress: Sequence[str] = (),
    ) -> tuple[Request, ...]:
        """Rule every proposal and store all as one checkpoint with the chat's state.

        If any request is pending afterwards, the session waits and the lease is given back: the
        caller must suspend the chat. `transcript` is what the SHA-256 on the ledger covers.
        """
        now = self._clock.now()
        earlier = await self._earlier(run.session, proposals)
        sha256 = _transcript_sha256(transcript)
        checkpoint = self._proposing.checkpoint(run.session, proposals, earlier, sha256, now)
        requests, entries = list(checkpoint.requests), checkpoint.entries
        if not entries:  # the chat's state alone
            entries = [("stored", {"transcript_sha256": sha256})]
        waiting = [r for r in requests if r.status is RequestStatus.PENDING]
        said = [*progress, *checkpoint.told]

        def unit(connection: Connection) -> None:
            state = _WAITING if waiting else {}
            seq, _ = ledger_rows.head(connection, run.session.id, lock=True)
            for number, request in enumerate(requests):
                place = {"ledger_seq": seq + 1 + number}
                requests[number] = request.model_copy(update=place)
            request_rows.insert(connection, requests)
            self._change(
                connection,
                run,
                now,
                entries,
                checkpoint_id=checkpoint.id,
                snapshot=snapshot,
                attempts=0,
                error=None,
                **state,
            )
            self._outbox.show(connection, run.session, waiting, now, said=said)

        await self._store.write(unit)
        return tuple(requests)

    async def _earlier(self, session: Session, proposals: Sequence[Proposal]) -> list[Request]:
        """What the session has proposed before; nobody decides any of it now: the chat goes on."""
        if not any(p.problem is None and p.kind is RequestKind.TOOL for p in proposals):
            return []
        return await self._store.read(lambda c: request_rows.of_session(c, session.id))

    def asks(self, call: ToolCall) -> bool:
        """Whether people would have to approve the call."""
        return self._policy.rule(call).effect is Effect.REQUIRE_APPROVAL

    async def claim(
        self,
        run: Run,
        request_id: RequestId,
        arguments: JsonObject,
        checked: Found = NOTHING_CHECKED,
    ) -> Request | Result:
        """Take the one right to run an approved call; `arguments` are those about to run, `checked`
        is what the tool's check finds now, or why it finds nothing.

        A Request (executing): run the tool now, with exactly its arguments and execution token.
        A Request (pending): it was asked again, and the session waits; suspend the chat.
        A Result: do not run; this is what the agents are told.
        """
        now = self._clock.now()

        def unit(connection: Connection) -> Request | Result | AskAgain:
            lease_rows.require_lease(connection, run.session.id, run.epoch, now)
            return self._executions.claim(
                connection, run.session.id, run.epoch, request_id, arguments, now, checked
            )

        claimed = await self._store.write(unit)
        return await self._ask_again(run, claimed) if isinstance(claimed, AskAgain) else claimed

    async def _ask_again(self, run: Run, again: AskAgain) -> Request | Result:
        """The request as it waits again, its session too; or why it cannot be asked any more."""
        today = await self._asking.today(again)
        now = self._clock.now()

        def unit(connection: Connection) -> Request | Result:
            lease_rows.require_lease(connection, run.session.id, run.epoch, now)
            asked = self._asking.ask(connection, again, today, now)
            if asked.result is not None:
                return asked.result
            now_waits = {**_WAITING, "attempts": 0, "error": None}
            session_rows.change(connection, run.session.id, run.epoch, now, **now_waits)
            return asked

        return await self._store.write(unit)

    def time_limit_s(self, request: Request) -> float:
        """How long its tool may take: by its rule, or else the setting."""
        ruling = self._policy.rule(call_of(request, request.arguments))
        return ruling.tool_timeout_s or self._tool_timeout_s

    async def finish(
        self, run: Run, request_id: RequestId, *, ok: bool, content: str, late: bool = False
    ) -> Result:
        """Store what the tool returned, or the error after which nothing has happened.

        A result is never thrown away: if the lease was lost meanwhile it resolves the doubt, and
        LostLeaseError is raised after it is stored. `late` is one that was not waited for: where
        the call has failed meanwhile, that stands, and the ledger has both.
        """
        now, session_id = self._clock.now(), run.session.id
        finish = partial(self._executions.finish, ok=ok, content=content, late=late)
        return await self._store_end(
            run, now, lambda c: finish(c, session_id, run.epoch, request_id, now)
        )

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
        now, session_id = self._clock.now(), run.session.id
        raised = partial(self._executions.raised, content=content, timed_out=timed_out, late=late)
        return await self._store_end(
            run, now, lambda c: raised(c, session_id, run.epoch, request_id, now)
        )

    async def _store_end(
        self, run: Run, now: datetime, end: Callable[[Connection], Result]
    ) -> Result:
        def unit(connection: Connection) -> tuple[Result, bool]:
            held = lease_rows.holds_lease(connection, run.session.id, run.epoch, now)
            return end(connection), held

        result, held = await self._store.write(unit)
        if not held:
            raise LostLeaseError(f"Session {run.session.id} is no longer run by epoch {run.epoch}.")
        return result

    async def unknown(self, run: Run, request_id: RequestId, *, message: str) -> Result:
        """Leave a request in doubt because its tool cannot tell whether it took effect.

        Raises LostLeaseError as `finish` does.
        """
        now = self._clock.now()

        def unit(connection: Connection) -> Result:
            lease_rows.require_lease(connection, run.session.id, run.epoch, now)
            return self._executions.unknown(
                connection, run.session.id, run.epoch, request_id, now, well_formed(message)
            )

        return await self._store.write(unit)

    async def doubt(self, request_id: str) -> None:
        """Nobody will say any more what became of a request whose session has ended."""
        now = self._clock.now()

        def unit(connection: Connection) -> bool:
            request_rows.lock(connection, request_id)
            request = request_rows.get(connection, request_id)
            session = session_rows.get(connection, request.session_id)
            if session.status in session_rows.LIVE:
                return False
            after = self._executions.doubt(connection, request, now, even_idempotent=True)
            return after is not request

        if await self._store.write(unit):
            log.warning("request in doubt", request_id=request_id)

    async def limited(self, run: Run, entry: tuple[str, JsonObject], *, notice: str) -> None:
        """Calls were refused at a limit, without becoming requests; `notice` is for people."""
        now = self._clock.now()

        def unit(connection: Connection) -> None:
            self._change(connection, run, now, [entry])
            if notice:
                self._outbox.tell(connection, run.session, f"**At a limit.** {notice}", now)

        await self._store.write(unit)

    async def complete(
        self,
        run: Run,
        *,
        snapshot: str,
        transcript: str,
        ending: Ending,
        progress: Sequence[str] = (),
    ) -> None:
        """The chat has come to an end by itself: the session is completed or has failed."""
        await self._end(run, completed(ending, snapshot, _transcript_sha256(transcript), progress))

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
    ) -> bool:
        """Give the lease back and come again later, with back-off.

        False when the `attempts` are used up: then the session has failed with `error` and
        `cause`. None never gives up: the session waits for what `error` names, which people and
        the ledger are told once.
        """
        now, error = self._clock.now(), well_formed(error)
        before = await self._store.read(lambda c: session_rows.attempts(c, run.session.id))
        if attempts is not None and before + 1 >= attempts:
            said = f"{error} (gave up after {before + 1} attempts)"
            await self.fail(run, error=said, cause=cause)
            return False
        delay_s = backoff_s(before, PARK_BASE_S, PARK_MAX_S)

        def unit(connection: Connection) -> None:
            session_rows.change(
                connection,
                run.session.id,
                run.epoch,
                now,
                attempts=before + 1,
                error=error,
                lease_until=None,
                next_at=codec.to_text(now + timedelta(seconds=delay_s)),
            )
            if attempts is None:
                self._say_what_it_waits_for(connection, run, error, now)
            elif before == 0:
                text = f"I cannot go on right now and will try again: {as_text(error)}"
                self._outbox.tell(connection, run.session, text, now, progress=True)

        await self._store.write(unit)
        return True

    def _say_what_it_waits_for(
        self, connection: Connection, run: Run, error: str, now: datetime
    ) -> None:
        if run.session.error == error:
            return
        session_id = run.session.id
        ledger_rows.append(connection, session_id, now, ("workflow_missing", {"error": error}))
        self._outbox.tell(connection, run.session, f"**{WAITS}** {as_text(error)}", now)
        for request in request_rows.open_of_session(connection, session_id):
            self._outbox.changed(connection, request, now)

    async def _end(self, run: Run, end: End) -> None:
        now = self._clock.now()

        def unit(connection: Connection) -> None:
            over = {"next_at": None, "lease_until": None}
            self._change(connection, run, now, end.entries, **over, **end.values)
            self._executions.cancel_open(connection, run.session.id, "The session has ended.", now)
            self._outbox.tell(connection, run.session, end.notice, now)

        await self._store.write(unit)

    @staticmethod
    def _change(
        connection: Connection,
        run: Run,
        now: datetime,
        entries: Sequence[tuple[str, JsonObject]],
        **values: Any,
    ) -> None:
        """Write columns of the session and entries of its ledger as this run."""
        session_id = run.session.id
        before = ledger_rows.head(connection, session_id, lock=True)
        session_rows.note(connection, session_id, values)
        told = changes.with_rows(connection, session_id, entries)
        rows, (seq, last_hash) = ledger_rows.linked(before, session_id, now, told)
        ledger_rows.insert(connection, rows)
        head = {"ledger_seq": seq, "ledger_head": last_hash}
        session_rows.change(connection, session_id, run.epoch, now, **head, **values)


def _transcript_sha256(transcript: str) -> str:
    return sha256_hex(transcript.encode("utf-8", "surrogatepass"))
