"""Votes, words on doubts, and cancelled sessions: each call is one transaction."""

from __future__ import annotations

import time
from contextlib import suppress

import structlog
from sqlalchemy import Connection

from countersign.approvals import ids
from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.doubts import Doubts
from countersign.approvals.decisions.executions import Executions
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import refused
from countersign.approvals.decisions.voting import Refusal, VoteInput, Voting
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ClosedError,
    CountersignError,
    ExpiredError,
    NotAuthorisedError,
    ProposedError,
    StaleDigestError,
)
from countersign.approvals.forms.causes import SessionCause
from countersign.approvals.models import (
    Actor,
    Checked,
    DeliveryId,
    JsonObject,
    Opening,
    PrincipalId,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Session,
    SessionId,
    SessionStatus,
    Verdict,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import (
    Clock,
    Store,
    ToolCatalog,
)
from countersign.approvals.rules.authority import ADMIN_ROLE
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import openings as opening_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store.clock_ahead import SKEW
from countersign.approvals.tickets import ActKey

log = structlog.get_logger(__name__)
_GOES_ON = frozenset({SessionStatus.RUNNING, SessionStatus.WAITING})


class Approvals:
    """What channels, the REST API and the command line call to decide; `records.Records` reads."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalog: ToolCatalog,
        outbox: Outbox,
        asking: Asking,
        executions: Executions,
        voting: Voting,
        doubts: Doubts,
        *,
        observer: Observer = SILENT,
    ):
        """`approvals.compose` puts it together."""
        self._store = store
        self._clock = clock
        self._observer = observer
        self._catalog = catalog
        self._outbox, self._asking, self._executions = outbox, asking, executions
        self._voting, self._doubts = voting, doubts

    async def vote(
        self,
        request_id: RequestId,
        actor: Actor,
        *,
        verdict: Verdict,
        digest: str,
        arguments: JsonObject | None = None,
        comment: str = "",
        act: ActKey | None = None,
        stage: int | None = None,
    ) -> Request:
        """Count one person's verdict; returns the request as it is then.

        With `act`, the same act changes nothing the second time, and is not refused again either.
        `stage` is the one that was asked, where what asked was for one stage only.

        Raises NotFoundError; NotAuthorisedError (which is on the ledger); AlreadyDecidedError
        with who, when and through what; StaleDigestError; ExpiredError; InvalidArgumentsError for
        arguments that do not fit; InvalidError; DeniedByPolicyError for edits policy forbids.
        """
        given = VoteInput(
            request_id=request_id,
            verdict=verdict,
            digest=digest,
            arguments=arguments,
            comment=well_formed(comment),
            stage=stage,
        )
        began_s = time.time()
        try:
            if verdict is Verdict.MODIFY and arguments is not None:
                given = await self._with_effective(given, arguments)
            request, new = await self._cast(given, actor, act)
        except CountersignError as exc:
            self._observer.vote_refused(request_id, actor.via, exc)
            raise
        if new:
            self._observer.voted(request, verdict, actor.via, began_s=began_s)
        return request

    async def _with_effective(self, given: VoteInput, arguments: JsonObject) -> VoteInput:
        """What the tool would receive, and what its check finds then; asked outside of a
        transaction, for it runs validators and checks of the workflow's."""

        def unit(connection: Connection) -> tuple[Request, Session]:
            request = request_rows.get(connection, given.request_id)
            return request, session_rows.get(connection, request.session_id)

        request, session = await self._store.read(unit)
        if request.status is not RequestStatus.PENDING or request.kind is RequestKind.INPUT:
            return given  # it is refused for that
        workflow, tool = session.workflow, request.tool
        effective = await self._catalog.effective(workflow, tool, arguments)
        if effective is None:
            return given
        checked = await self._catalog.checked(workflow, tool, effective.arguments)
        return given.model_copy(update={"effective": effective, "checked": checked or Checked()})

    async def _cast(
        self, given: VoteInput, actor: Actor, act: ActKey | None
    ) -> tuple[Request, bool]:
        """The request after the vote, and whether it was not counted before."""
        now, request_id = self._clock.now(), given.request_id

        def unit(connection: Connection) -> tuple[Request | Refusal | AskAgain, bool]:
            request_rows.lock(connection, request_id)
            if act is not None and ticket_rows.act(connection, act) is not None:
                return request_rows.get(connection, request_id), False
            outcome = self._voting.cast(connection, given, actor, now)
            if act is not None:
                reason = _reason(outcome)
                ticket_rows.record_act(connection, act, request_id, reason, now)
            return outcome, True

        outcome, new = await self._store.write(unit)
        if isinstance(outcome, AskAgain):
            await self._ask_again(outcome)
            raise StaleDigestError(
                f"{outcome.why} It is asked again as it would run today: look at it and decide."
            )
        if isinstance(outcome, Refusal):
            if isinstance(outcome.error, ExpiredError):
                self._observer.expired(request_id)  # this vote found its deadline passed
            raise outcome.error
        return outcome, new

    async def _ask_again(self, again: AskAgain) -> None:
        today = await self._asking.today(again)
        now = self._clock.now()

        def unit(connection: Connection) -> None:
            request_rows.lock(connection, again.request.id)
            self._asking.ask(connection, again, today, now)

        await self._store.write(unit)
        log.info("request asked again", request_id=again.request.id, why=again.why)

    async def ask_again_what_changed(self) -> int:
        """Ask again what waits under a rule or of a tool that has changed; how many there were.

        To be called when a server starts, with its policy and its tools. Harmless to repeat.
        """
        after, count = ("", ""), 0
        while True:
            found = await self._store.read(lambda c, at=after: self._asking.changed(c, at))  # type: ignore[misc]
            if not found:
                return count
            for request in found:
                again = await self._store.read(lambda c, r=request: self._asking.needed(c, r))  # type: ignore[misc]
                with suppress(AlreadyDecidedError):
                    if again is not None:
                        await self._ask_again(again)
                        count += 1
            after = (codec.to_text(found[-1].created_at), found[-1].id)

    async def expire(self, request_id: str) -> None:
        """Let a request expire if its deadline has passed, and have the whole time again if a clock
        that was ahead has asked it; harmless otherwise."""
        now = self._clock.now()

        def unit(connection: Connection) -> bool:
            request_rows.lock(connection, request_id)
            request = request_rows.get(connection, request_id)
            due = request.expires_at is not None and request.expires_at <= now
            over = due and request.status is RequestStatus.PENDING
            if over:
                self._voting.expire(connection, request, now)
            elif request.status is RequestStatus.PENDING and request.created_at > now + SKEW:
                self._voting.ask_now(connection, request, now)
            return over

        if await self._store.write(unit):
            self._observer.expired(request_id)

    async def refuse(
        self, request_id: RequestId, actor: Actor, reason: str, *, act: ActKey | None = None
    ) -> None:
        """Record an attempt that a channel has refused by itself; the same `act` only once."""
        now = self._clock.now()

        def unit(connection: Connection) -> bool:
            request_rows.lock(connection, request_id)
            request = request_rows.get(connection, request_id)
            new = act is None or ticket_rows.record_act(connection, act, request_id, reason, now)
            if new:
                refused(connection, request, actor, reason, now, verdict=None)
            return new

        if await self._store.write(unit):
            self._observer.vote_refused(request_id, actor.via, NotAuthorisedError(reason))

    async def opened(
        self, request_id: RequestId, person: PrincipalId, *, revision: int, link: str
    ) -> bool:
        """Record that a person has read all of a revision, on the page behind a link to it; whether
        that was new. `link` says where the link stood.

        Whoever has read it may approve it where it does not fit. Raises NotFoundError;
        StaleDigestError if another revision is asked about now; ClosedError once it is decided.
        """
        now = self._clock.now()

        def unit(connection: Connection) -> bool:
            request_rows.lock(connection, request_id)
            request = request_rows.get(connection, request_id)
            if request.revision != revision:
                raise StaleDigestError(f"Request {request_id} is at another revision now.")
            if request.status is not RequestStatus.PENDING:
                raise ClosedError(f"Request {request_id} is {request.status}.")
            opening = Opening(request_id=request_id, revision=revision, principal_id=person, at=now)
            new = opening_rows.add(connection, opening, request.session_id)
            if new:
                body: JsonObject = {
                    "request": request_id,
                    "revision": revision,
                    "digest": request.digest,
                    "by": person,
                    "link": link,
                }
                ledger_rows.append(connection, request.session_id, now, ("opened", body))
                self._outbox.changed(connection, request, now)
            return new

        return await self._store.write(unit)

    async def note(
        self, request_id: str, kind: str, body: JsonObject, *, act: ActKey, reason: str = ""
    ) -> bool:
        """Put on the ledger what happened to a ticket, once for each `act`; whether it was new.

        `reason` is kept with the act, for the people in the ticket.
        """
        now = self._clock.now()

        def unit(connection: Connection) -> bool:
            request_rows.lock(connection, request_id)
            request = request_rows.get(connection, request_id)
            new = ticket_rows.record_act(connection, act, request_id, reason, now)
            if new:
                entry: JsonObject = {"request": request.id, **body}
                ledger_rows.append(connection, request.session_id, now, (kind, entry))
            return new

        return await self._store.write(unit)

    async def resolve(
        self, request_id: RequestId, actor: Actor, *, happened: bool, note: str
    ) -> Request:
        """Take a person's word for whether a request in doubt took effect: `decisions.doubts`.

        `note` says what they found, in 1 to 1,000 characters. Returns the request as it is then.
        Raises NotFoundError; NotInDoubtError with who was first; NotAuthorisedError (which is on
        the ledger); InvalidError.
        """
        return await self._doubts.resolve(request_id, actor, happened=happened, note=note)

    async def cancel(
        self, session_id: SessionId, actor: Actor, *, unless_proposed: bool = False
    ) -> Session:
        """End a session; its pending requests are cancelled. Only its owner or an admin may.

        Raises NotFoundError, NotAuthorisedError, ClosedError; ProposedError, if asked, where it has
        proposed any call, also one that policy allowed or denied.
        """
        now = self._clock.now()

        def unit(connection: Connection) -> Session:
            session_rows.lock(connection, session_id)
            session = session_rows.get(connection, session_id)
            principal = actor.principal
            if principal is None or (
                principal.id != session.owner and ADMIN_ROLE not in principal.roles
            ):
                raise NotAuthorisedError("Only who started a session, or an admin, may cancel it.")
            proposed = unless_proposed and request_rows.page(
                connection, status=None, session_id=session_id, after=None, limit=1
            )
            if proposed and session.status in _GOES_ON:
                raise ProposedError(f"Session {session_id} has proposed calls already.")
            error = f"Cancelled by {principal.name}."
            cause = SessionCause.CANCELLED
            if not session_rows.cancel(connection, session_id, now, error=error, cause=cause.value):
                raise ClosedError(f"Session {session_id} is already {session.status}.")
            body: JsonObject = {
                "by": principal.id,
                "via": actor.via,
                "identity": actor.identity,
                "cause": cause,
            }
            ledger_rows.append(connection, session_id, now, ("session_cancelled", body))
            message = f"The session was cancelled by {principal.name}."
            self._executions.cancel_open(connection, session_id, message, now)
            self._outbox.tell(connection, session, f"**Cancelled** by {principal.name}.", now)
            return session_rows.get(connection, session_id)

        session = await self._store.write(unit)
        log.info("session cancelled", session_id=session_id, via=actor.via)
        return session

    async def adopt_delivery(
        self, request_id: RequestId, channel: str, reference: JsonObject
    ) -> None:
        """Keep a card up to date that we had lost sight of (posted, but a crash came before it
        was recorded). `reference` is as `Channel.post` returns it. Raises NotFoundError."""
        now = self._clock.now()
        target = delivery_rows.own_target(reference)

        def unit(connection: Connection) -> None:
            request_rows.lock(connection, request_id)
            request_rows.get(connection, request_id)
            for known in delivery_rows.of_request(connection, request_id):
                if known.channel == channel and known.reference == reference:
                    return
            delivery_id = DeliveryId(ids.new_id("D"))
            delivery_rows.add(
                connection,
                delivery_id=delivery_id,
                request_id=request_id,
                channel=channel,
                target=target,
                now=now,
                reference=reference,
            )
            self._outbox.redeliver(connection, [delivery_id])

        await self._store.write(unit)


def _reason(outcome: Request | Refusal | AskAgain) -> str:
    """Why an act in a ticket did not count; "" if it did."""
    if isinstance(outcome, AskAgain):
        return outcome.why
    return str(outcome.error) if isinstance(outcome, Refusal) else ""
