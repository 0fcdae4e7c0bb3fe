"""The people's side of the service: vote, look, cancel. Each call is one transaction."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from sqlalchemy import Connection

from countersign.approvals import ids
from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.audit.ledger import Verification
from countersign.approvals.conversations import Conversations
from countersign.approvals.decisions.asking import AskAgain, Asking
from countersign.approvals.decisions.doubts import Doubts
from countersign.approvals.decisions.executions import Executions
from countersign.approvals.decisions.handoff import Takeover
from countersign.approvals.decisions.long_results import ResultText, whole
from countersign.approvals.decisions.outbox import FollowUp
from countersign.approvals.decisions.refusals import refused
from countersign.approvals.decisions.voting import Ballot, BallotBox, Refusal
from countersign.approvals.decisions.waiting import Waiting
from countersign.approvals.errors import (
    AlreadyDecidedError,
    ClosedError,
    CountersignError,
    ExpiredError,
    IntegrityError,
    InvalidError,
    NotAuthorisedError,
    ProposedError,
    StaleDigestError,
)
from countersign.approvals.forms.causes import SessionCause
from countersign.approvals.models import (
    Actor,
    Checked,
    Conversation,
    ConversationKey,
    Delivery,
    DeliveryId,
    JsonObject,
    LedgerEntry,
    Opening,
    Principal,
    PrincipalId,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Session,
    SessionId,
    SessionStatus,
    Value,
    Verdict,
    Vote,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import (
    Channels,
    Clock,
    Directory,
    Jobs,
    RequestView,
    Store,
    ToolCatalog,
)
from countersign.approvals.rules.authority import ADMIN_ROLE
from countersign.approvals.rules.eligibility import asked, eligible
from countersign.approvals.rules.policy import Policy
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import openings as opening_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store.clock_ahead import SKEW
from countersign.approvals.store.verifying import verify_all, verify_one
from countersign.approvals.tickets import ActKey, RecordedAct

T = TypeVar("T")
log = structlog.get_logger(__name__)
MAX_PAGE = 200
_GOES_ON = frozenset({SessionStatus.RUNNING, SessionStatus.WAITING})


class Page(Value, Generic[T]):
    """Some items, and the cursor of what comes after them."""

    items: tuple[T, ...]
    next: str | None = None


class ApprovalService:
    """What channels, the REST API and the command line call."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        policy: Policy,
        directory: Directory,
        jobs: Jobs,
        channels: Channels,
        catalog: ToolCatalog,
        observer: Observer = SILENT,
        takeover: Takeover | None = None,
    ):
        self._store = store
        self._clock = clock
        self._observer = observer
        self._directory = directory
        self._catalog = catalog
        self._follow = FollowUp(jobs, directory, channels, takeover)
        self._asking = Asking(policy, catalog, self._follow)
        self._executions = Executions(policy, directory, self._follow, self._asking)
        self._box = BallotBox(policy, self._asking, self._follow)
        self._doubts = Doubts(store, clock, self._follow)
        self._conversations = Conversations(store, clock, self._follow)

    @property
    def conversations(self) -> Conversations:
        """Where people can be reached."""
        return self._conversations

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
        ballot = Ballot(
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
                ballot = await self._with_effective(ballot, arguments)
            request, new = await self._cast(ballot, actor, act)
        except CountersignError as exc:
            self._observer.vote_refused(request_id, actor.via, exc)
            raise
        if new:
            self._observer.voted(request, verdict, actor.via, began_s=began_s)
        return request

    async def _with_effective(self, ballot: Ballot, arguments: JsonObject) -> Ballot:
        """What the tool would receive, and what its check finds then; asked outside of a
        transaction, for it runs validators and checks of the workflow's."""

        def unit(connection: Connection) -> tuple[Request, Session]:
            request = request_rows.get(connection, ballot.request_id)
            return request, session_rows.get(connection, request.session_id)

        request, session = await self._store.read(unit)
        if request.status is not RequestStatus.PENDING or request.kind is RequestKind.INPUT:
            return ballot  # it is refused for that
        workflow, tool = session.workflow, request.tool
        effective = await self._catalog.effective(workflow, tool, arguments)
        if effective is None:
            return ballot
        checked = await self._catalog.checked(workflow, tool, effective.arguments)
        return ballot.model_copy(update={"effective": effective, "checked": checked or Checked()})

    async def _cast(self, ballot: Ballot, actor: Actor, act: ActKey | None) -> tuple[Request, bool]:
        """The request after the ballot, and whether it was not counted before."""
        now, request_id = self._clock.now(), ballot.request_id

        def unit(connection: Connection) -> tuple[Request | Refusal | AskAgain, bool]:
            request_rows.lock(connection, request_id)
            if act is not None and ticket_rows.act(connection, act) is not None:
                return request_rows.get(connection, request_id), False
            outcome = self._box.cast(connection, ballot, actor, now)
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
                self._observer.expired(request_id)  # this ballot found its deadline passed
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
                self._box.expire(connection, request, now)
            elif request.status is RequestStatus.PENDING and request.created_at > now + SKEW:
                self._box.ask_now(connection, request, now)
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
                self._follow.changed(connection, request, now)
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

    async def settle(
        self, request_id: RequestId, actor: Actor, *, happened: bool, note: str
    ) -> Request:
        """Take a person's word for whether a request in doubt took effect: `decisions.doubts`.

        `note` says what they found, in 1 to 1,000 characters. Returns the request as it is then.
        Raises NotFoundError; NotInDoubtError with who was first; NotAuthorisedError (which is on
        the ledger); InvalidError.
        """
        return await self._doubts.settle(request_id, actor, happened=happened, note=note)

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
            self._follow.tell(connection, session, f"**Cancelled** by {principal.name}.", now)
            return session_rows.get(connection, session_id)

        session = await self._store.write(unit)
        log.info("session cancelled", session_id=session_id, via=actor.via)
        return session

    async def begun_with(self, idempotency_key: str) -> Session | None:
        """The session that was started with this key."""
        return await self._store.read(lambda c: session_rows.of_key(c, idempotency_key))

    async def acted(self, act: ActKey) -> RecordedAct | None:
        """What became of an act, if it was a vote or an answer."""
        return await self._store.read(lambda c: ticket_rows.act(c, act))

    async def view(self, request_id: str) -> RequestView:
        """All that a channel shows of a request. Raises NotFoundError."""
        return await self._store.read(lambda c: self.view_in(c, request_id))

    def view_in(self, connection: Connection, request_id: str) -> RequestView:
        """`view` inside a transaction of the caller's."""
        request = request_rows.get(connection, request_id)
        session = session_rows.get(connection, request.session_id)
        together = request_rows.of_checkpoint(connection, request.session_id, request.checkpoint_id)
        votes = tuple(request_rows.votes_of(connection, request_id))
        return RequestView(
            request=request,
            session=session,
            votes=votes,
            requester=self._directory.by_id(request.requester),
            siblings=tuple(r for r in together if r.id != request.id),
            arguments_schema=self._catalog.schema(session.workflow, request.tool),
            eligible=self.eligible(request, votes),
            openings=tuple(opening_rows.of_revision(connection, request.id, request.revision)),
        )

    def eligible(self, request: Request, votes: Sequence[Vote]) -> tuple[Principal, ...]:
        """Who may decide it now, after these votes, by id; () once it is decided or too late."""
        if request.status is not RequestStatus.PENDING:
            return ()
        if request.expires_at is not None and request.expires_at <= self._clock.now():
            return ()
        return eligible(asked(request, votes), self._directory)

    async def request(self, request_id: str) -> Request:
        """One request. Raises NotFoundError."""
        return await self._store.read(lambda c: request_rows.get(c, request_id))

    async def session(self, session_id: str) -> Session:
        """One session. Raises NotFoundError."""
        return await self._store.read(lambda c: session_rows.get(c, session_id))

    async def requests(
        self,
        *,
        status: RequestStatus | None = None,
        session_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        newest: bool = False,
    ) -> Page[Request]:
        """Requests, oldest (or newest) first. Raises InvalidError for a bad cursor or limit."""
        after, size = _cursor(cursor), _limit(limit)
        found = await self._store.read(
            lambda c: request_rows.page(
                c, status=status, session_id=session_id, after=after, limit=size + 1, newest=newest
            )
        )
        return _page(found, size)

    async def sessions(
        self,
        *,
        status: SessionStatus | None = None,
        conversation: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Session]:
        """Sessions, newest first. Raises InvalidError for a bad cursor or limit."""
        after, size = _cursor(cursor), _limit(limit)
        found = await self._store.read(
            lambda c: session_rows.page(
                c, status=status, conversation=conversation, after=after, limit=size + 1
            )
        )
        return _page(found, size)

    async def waiting_for(self, principal: Principal, *, limit: int = 20) -> Sequence[Request]:
        """Pending requests that this person may decide now, oldest first."""
        return (await self.mine(principal, limit=limit)).items

    async def mine(
        self,
        principal: Principal,
        *,
        session_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Request]:
        """`waiting_for` by pages. Raises InvalidError for a bad cursor or limit."""
        after, size = _cursor(cursor), _limit(limit)
        waiting = Waiting(self._directory, principal, self._clock.now())

        def unit(connection: Connection) -> list[Request]:
            if session_id is not None:
                return waiting.of_session(connection, session_id, after=after, limit=size + 1)
            return waiting.page(connection, after=after, limit=size + 1)

        return _page(await self._store.read(unit), size)

    async def votes(self, request_id: str) -> Sequence[Vote]:
        """All votes on all revisions of a request, oldest first."""
        return await self._store.read(lambda c: request_rows.votes_of(c, request_id))

    async def deliveries(self, request_id: str) -> Sequence[Delivery]:
        """Where a request is shown, or waits to be."""
        return await self._store.read(lambda c: delivery_rows.of_request(c, request_id))

    async def around(
        self, request_ids: Sequence[RequestId]
    ) -> Mapping[RequestId, tuple[Sequence[Vote], Sequence[Delivery]]]:
        """`votes` and `deliveries` of each of these requests, a page at most."""

        def unit(connection: Connection) -> tuple[list[Vote], list[Delivery]]:
            votes = request_rows.votes_among(connection, request_ids)
            return votes, delivery_rows.of_requests(connection, request_ids)

        votes, deliveries = await self._store.read(unit)
        return {
            of: (
                [vote for vote in votes if vote.request_id == of],
                [delivery for delivery in deliveries if delivery.request_id == of],
            )
            for of in request_ids
        }

    async def sessions_of(self, requests: Sequence[Request]) -> Mapping[SessionId, Session]:
        """The sessions of these requests, a page at most."""
        ids = {request.session_id for request in requests}
        return await self._store.read(lambda c: session_rows.among(c, ids))

    def schema(self, session: Session, tool: str) -> JsonObject | None:
        """What the tool accepts; None where it is not known here."""
        return self._catalog.schema(session.workflow, tool)

    async def result(self, request_id: RequestId) -> ResultText:
        """All that is kept of what a call returned. Raises NotFoundError, also if nothing is known
        of it yet."""
        return await self._store.read(lambda c: whole(c, request_id))

    async def transcript(self, session_id: str) -> Sequence[JsonObject]:
        """The chat's messages up to the last stored state. Raises NotFoundError."""
        text = await self._store.read(lambda c: session_rows.snapshot(c, session_id))
        return [] if text is None else codec.loads(text).get("messages", [])

    async def ledger(self, session_id: str) -> Sequence[LedgerEntry]:
        """A session's entries in order. Raises NotFoundError, or IntegrityError if one of them is
        not what we wrote."""

        def unit(connection: Connection) -> list[LedgerEntry]:
            session_rows.get(connection, session_id)
            try:
                return ledger_rows.entries(connection, session_id)
            except ValueError as exc:
                raise IntegrityError(
                    f"The ledger of session {session_id} was changed and cannot be read: {exc}"
                ) from exc

        return await self._store.read(unit)

    async def verify(self, session_id: SessionId | None = None) -> Verification:
        """Check the chain of one session, or of all."""
        if session_id is None:
            return await verify_all(self._store)

        def unit(connection: Connection) -> Verification:
            session_rows.get(connection, session_id)
            return verify_one(connection, session_id)

        return await self._store.read(unit)

    async def save_conversation(
        self, conversation: Conversation, *, only_known: bool = False, installed: bool = False
    ) -> None:
        """See `approvals.conversations.Conversations.save`."""
        await self._conversations.save(conversation, only_known=only_known, installed=installed)

    async def conversation(self, key: ConversationKey) -> Conversation | None:
        """The conversation of this key."""
        return await self._conversations.get(key)

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
            self._follow.redeliver(connection, [delivery_id])

        await self._store.write(unit)


def _limit(limit: int) -> int:
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidError(f"limit must be between 1 and {MAX_PAGE}.")
    return limit


def _cursor(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    try:
        at, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        codec.from_text(at)
        if "\0" in row_id:  # PostgreSQL does not even compare it
            raise ValueError("no id")
    except (ValueError, binascii.Error, UnicodeError) as exc:
        raise InvalidError("The cursor is not one that this server gave; start again.") from exc
    return at, row_id


def _page(found: list[T], size: int) -> Page[T]:
    items = tuple(found[:size])
    if len(found) <= size:
        return Page(items=items)
    last = items[-1]
    at: datetime = last.created_at  # type: ignore[attr-defined]
    text = f"{codec.to_text(at)} {last.id}"  # type: ignore[attr-defined]
    return Page(items=items, next=base64.urlsafe_b64encode(text.encode()).decode())


def _reason(outcome: Request | Refusal | AskAgain) -> str:
    """Why an act in a ticket did not count; "" if it did."""
    if isinstance(outcome, AskAgain):
        return outcome.why
    return str(outcome.error) if isinstance(outcome, Refusal) else ""
