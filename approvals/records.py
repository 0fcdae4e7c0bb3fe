"""Every read of what is stored: sessions, requests, votes, results, the ledger."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import Connection

from countersign.approvals.audit.ledger import Verification
from countersign.approvals.decisions.long_results import ResultText, whole
from countersign.approvals.errors import IntegrityError, InvalidError, NotFoundError
from countersign.approvals.models import (
    Delivery,
    Domains,
    GivenDelegation,
    Grant,
    JsonObject,
    LedgerEntry,
    Pause,
    Principal,
    Question,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Session,
    SessionId,
    SessionStatus,
    StageProgress,
    Used,
    Value,
    Vote,
)
from countersign.approvals.ports import Clock, Directory, Reader, RequestView, Schemas
from countersign.approvals.rules.delegation import with_delegates
from countersign.approvals.rules.eligibility import asked, eligible
from countersign.approvals.rules.grants import Grants, offers
from countersign.approvals.rules.pausing import among, words_of
from countersign.approvals.rules.policies import Policies, situation_of
from countersign.approvals.rules.progress import steps
from countersign.approvals.rules.proposals import call_of
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.rules.wanted import Wanted
from countersign.approvals.store import codec, visible
from countersign.approvals.store import delegations as delegation_rows
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import governance as governance_rows
from countersign.approvals.store import grants as grant_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import pauses as pause_rows
from countersign.approvals.store import questions as question_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store.open_roles import Place
from countersign.approvals.store.verifying import verify_all, verify_governance, verify_one
from countersign.approvals.store.view_rows import ViewRows, view_rows
from countersign.approvals.store.visible import Eyes
from countersign.approvals.store.waiting import Waiting
from countersign.approvals.tickets import ActKey, RecordedAct

T = TypeVar("T")
MAX_PAGE = 200


class Page(Value, Generic[T]):
    """Some items, and the cursor of what comes after them."""

    items: tuple[T, ...]
    next: str | None = None


class Records:
    """All reads of people, channels and programs; each is one read-only transaction."""

    def __init__(
        self,
        reader: Reader,
        clock: Clock,
        directory: Directory,
        catalog: Schemas | None = None,
        policies: Policies | None = None,
    ):
        """`reader` may be a store, or a database that somebody else writes. `directory` knows who
        may decide. Without `catalog` a view does not say what a tool accepts, without `policies`
        not which grants may be given."""
        self._policies = policies
        self._reader = reader
        self._clock = clock
        self._directory = directory
        self._catalog = catalog

    async def begun_with(self, idempotency_key: str) -> Session | None:
        """The session that was started with this key."""
        return await self._reader.read(lambda c: session_rows.of_key(c, idempotency_key))

    async def acted(self, act: ActKey) -> RecordedAct | None:
        """What became of an act, if it was a vote or an answer."""
        return await self._reader.read(lambda c: ticket_rows.act(c, act))

    async def view(self, request_id: str) -> RequestView:
        """All that a channel shows of a request. Raises NotFoundError."""
        return self.shown(await self._reader.read(lambda c: view_rows(c, request_id)))

    def shown(self, rows: ViewRows) -> RequestView:
        """The view of what was read, with the people and tools of now."""
        permitted = self._permitted(rows)
        return RequestView(
            offers=() if permitted is None else offers(permitted),
            alike=() if permitted is None else permitted.same,
            request=rows.request,
            session=rows.session,
            votes=rows.votes,
            requester=self._directory.by_id(rows.request.requester),
            siblings=rows.siblings,
            arguments_schema=self.schema(rows.session, rows.request.tool),
            eligible=self.eligible(rows.request, rows.votes, rows.session),
            steps=self.steps(rows.request, rows.votes, rows.session),
            openings=rows.openings,
            pauses=among(rows.pauses, rows.request, rows.session, self._domains),
            questions=rows.questions,
        )

    @property
    def _domains(self) -> Domains:
        return self._directory.people().domains

    def paused(self, pauses: Sequence[Pause], request: Request, session: Session) -> str | None:
        """Who paused a call that waits, since when and why; None if nobody has."""
        return words_of(pauses, request, session, self._domains)

    def person(self, principal_id: str) -> Principal | None:
        """The person as they are now."""
        return self._directory.by_id(principal_id)

    def _permitted(self, rows: ViewRows) -> Grants | None:
        """The grants that its rule permits while it waits."""
        request, policies = rows.request, self._policies
        if policies is None or request.status is not RequestStatus.PENDING:
            return None
        policy = policies.current
        if request.kind is not RequestKind.TOOL or not policy.permits_any:
            return None
        situation = situation_of(
            rows.session, self._directory.people(), request.created_at, request.seen
        )
        found = policy.permits(call_of(request, request.arguments), situation)
        return None if found is None else found.grants

    async def grants(self, *, limit: int = 50) -> Sequence[tuple[Grant, Used]]:
        """Grants, newest first, each with how far it is used. Raises InvalidError for a bad
        limit."""
        size = _limit(limit)
        return await self._reader.read(lambda c: grant_rows.page(c, limit=size))

    def eligible(
        self, request: Request, votes: Sequence[Vote], session: Session
    ) -> tuple[Principal, ...]:
        """Who may decide it now, after these votes, by id; () once it is decided or too late."""
        if request.status is not RequestStatus.PENDING:
            return ()
        if request.expires_at is not None and request.expires_at <= self._clock.now():
            return ()
        everybody = self._directory.people().at(self._clock.now())
        people = people_for(everybody, request, session)
        return with_delegates(eligible(asked(request, votes), people), request, votes, people)

    def steps(
        self, request: Request, votes: Sequence[Vote], session: Session
    ) -> tuple[StageProgress, ...]:
        """Its stages in order, with the votes on the current revision."""
        return steps(request, votes, people_for(self._directory.people(), request, session))

    async def request(self, request_id: str) -> Request:
        """One request. Raises NotFoundError."""
        return await self._reader.read(lambda c: request_rows.get(c, request_id))

    async def session(self, session_id: str) -> Session:
        """One session. Raises NotFoundError."""
        return await self._reader.read(lambda c: session_rows.get(c, session_id))

    async def requests(
        self,
        *,
        status: RequestStatus | None = None,
        session_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        newest: bool = False,
        reader: Principal | None = None,
    ) -> Page[Request]:
        """Requests, oldest (or newest) first; with `reader` those that this person may read.
        Raises InvalidError for a bad cursor or limit."""
        after, size = _cursor(cursor), _limit(limit)

        eyes = Eyes(reader, self._directory.people().domains)

        def unit(connection: Connection) -> list[Request]:
            def read(place: Place | None, most: int) -> list[Request]:
                return request_rows.page(
                    connection,
                    status=status,
                    session_id=session_id,
                    after=place,
                    limit=most,
                    newest=newest,
                )

            return visible.page(connection, read, eyes.requests, after, size + 1)

        return _page(await self._reader.read(unit), size)

    async def sessions(
        self,
        *,
        status: SessionStatus | None = None,
        conversation: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        reader: Principal | None = None,
    ) -> Page[Session]:
        """Sessions, newest first; with `reader` those that this person may read. Raises
        InvalidError for a bad cursor or limit."""
        after, size = _cursor(cursor), _limit(limit)

        eyes = Eyes(reader, self._directory.people().domains)

        def unit(connection: Connection) -> list[Session]:
            def read(place: Place | None, most: int) -> list[Session]:
                return session_rows.page(
                    connection, status=status, conversation=conversation, after=place, limit=most
                )

            return visible.page(connection, read, eyes.sessions, after, size + 1)

        return _page(await self._reader.read(unit), size)

    async def require_seen(self, reader: Principal, request_id: str) -> None:
        """Raise NotFoundError unless this person may read the request: whoever may not, does not
        learn that there is one."""
        eyes = Eyes(reader, self._directory.people().domains)
        if eyes.domains and not await self._reader.read(
            lambda c: eyes.requests(c, [request_rows.get(c, request_id)])
        ):
            raise NotFoundError(f"There is no request {request_id}.")

    async def require_session_seen(self, reader: Principal, session_id: str) -> None:
        """`require_seen` for a session, with what was said in it and its ledger."""
        eyes = Eyes(reader, self._directory.people().domains)
        if eyes.domains and not await self._reader.read(
            lambda c: eyes.sessions(c, [session_rows.get(c, session_id)])
        ):
            raise NotFoundError(f"There is no session {session_id}.")

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
        now = self._clock.now()
        waiting = Waiting(self._directory.people().at(now), principal, now)

        def unit(connection: Connection) -> list[Request]:
            if session_id is not None:
                return waiting.of_session(connection, session_id, after=after, limit=size + 1)
            return waiting.page(connection, after=after, limit=size + 1)

        return _page(await self._reader.read(unit), size)

    async def search(
        self, principal: Principal, wanted: Wanted, *, limit: int = 50, cursor: str | None = None
    ) -> Page[Request]:
        """What is wanted of `mine`. A page may have fewer than `limit` and yet a cursor: then there
        was much to look through. Raises InvalidError for a bad cursor or limit."""
        after, size = _cursor(cursor), _limit(limit)
        now = self._clock.now()
        waiting = Waiting(self._directory.people().at(now), principal, now)
        found, place = await self._reader.read(
            lambda c: waiting.search(c, after=after, limit=size, wanted=wanted)
        )
        return Page(items=tuple(found), next=None if place is None else _encoded(*place))

    async def votes(self, request_id: str) -> Sequence[Vote]:
        """All votes on all revisions of a request, oldest first."""
        return await self._reader.read(lambda c: request_rows.votes_of(c, request_id))

    async def questions(
        self, requests: Sequence[Request]
    ) -> Mapping[RequestId, Sequence[Question]]:
        """What was asked about each of these requests, a page at most; in order."""
        ids = [request.id for request in requests if request.questions]
        found = await self._reader.read(lambda c: question_rows.among(c, ids)) if ids else []
        return {of: [each for each in found if each.request_id == of] for of in ids}

    async def question(self, question_id: str) -> Question:
        """One question. Raises NotFoundError."""
        found = await self._reader.read(lambda c: question_rows.get(c, question_id))
        if found is None:
            raise NotFoundError(f"There is no question {question_id}.")
        return found

    async def deliveries(self, request_id: str) -> Sequence[Delivery]:
        """Where a request is shown, or waits to be."""
        return await self._reader.read(lambda c: delivery_rows.of_request(c, request_id))

    async def failing(self, reader: Principal, *, limit: int = 50) -> Sequence[Delivery]:
        """Deliveries that are tried again because they have failed, of requests that this person
        may read. Raises InvalidError for a bad limit."""
        size, eyes = _limit(limit), Eyes(reader, self._directory.people().domains)

        def unit(connection: Connection) -> list[Delivery]:
            found = delivery_rows.failing(connection, limit=size)
            asked = request_rows.among(connection, [each.request_id for each in found])
            seen = {request.id for request in eyes.requests(connection, asked)}
            return [each for each in found if each.request_id in seen]

        return await self._reader.read(unit)

    async def around(
        self, request_ids: Sequence[RequestId]
    ) -> Mapping[RequestId, tuple[Sequence[Vote], Sequence[Delivery]]]:
        """`votes` and `deliveries` of each of these requests, a page at most."""

        def unit(connection: Connection) -> tuple[list[Vote], list[Delivery]]:
            votes = request_rows.votes_among(connection, request_ids)
            return votes, delivery_rows.of_requests(connection, request_ids)

        votes, deliveries = await self._reader.read(unit)
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
        return await self._reader.read(lambda c: session_rows.among(c, ids))

    def schema(self, session: Session, tool: str) -> JsonObject | None:
        """What the tool accepts; None where it is not known here."""
        return None if self._catalog is None else self._catalog.schema(session.workflow, tool)

    async def result(self, request_id: RequestId) -> ResultText:
        """All that is kept of what a call returned. Raises NotFoundError, also if nothing is known
        of it yet."""
        return await self._reader.read(lambda c: whole(c, request_id))

    async def transcript(self, session_id: str) -> Sequence[JsonObject]:
        """The chat's messages up to the last stored state. Raises NotFoundError."""
        chat = await self._reader.read(lambda c: session_rows.chat(c, session_id))
        return [] if chat is None else chat.messages()

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

        return await self._reader.read(unit)

    async def pauses(self) -> Sequence[Pause]:
        """The pauses that hold, oldest first."""
        return await self._reader.read(pause_rows.active)

    async def all_pauses(self, *, limit: int = 50) -> Sequence[Pause]:
        """Also those that have ended, newest first. Raises InvalidError for a bad limit."""
        size = _limit(limit)
        return await self._reader.read(lambda c: pause_rows.page(c, limit=size))

    async def delegations(
        self, *, limit: int = 50, ended: bool = False
    ) -> Sequence[GivenDelegation]:
        """What people have given by themselves, newest first; without `ended` only what holds or
        will. Raises InvalidError for a bad limit."""
        size, until = _limit(limit), None if ended else self._clock.now()
        return await self._reader.read(lambda c: delegation_rows.page(c, limit=size, ended=until))

    async def governance(
        self, *, after: int = 0, limit: int | None = None
    ) -> Sequence[LedgerEntry]:
        """The entries that belong to no session and follow number `after`, in order. Raises
        IntegrityError if one of them is not what we wrote."""

        def unit(connection: Connection) -> list[LedgerEntry]:
            try:
                return governance_rows.entries(connection, after=after, limit=limit)
            except ValueError as exc:
                raise IntegrityError(
                    f"The governance ledger was changed and cannot be read: {exc}"
                ) from exc

        return await self._reader.read(unit)

    async def verify_governance(self) -> Verification:
        """Check the chain of what belongs to no session."""
        return await self._reader.read(verify_governance)

    async def verify(
        self, session_id: SessionId | None = None, *, tell: Callable[[int], None] = lambda _: None
    ) -> Verification:
        """Check the chain of one session, or all there are: then `tell` hears how many entries were
        checked so far."""
        if session_id is None:
            return await verify_all(self._reader, tell)

        def unit(connection: Connection) -> Verification:
            session_rows.get(connection, session_id)
            return verify_one(connection, session_id)

        return await self._reader.read(unit)


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
    return Page(items=items, next=_encoded(codec.to_text(at), last.id))  # type: ignore[attr-defined]


def _encoded(at: str, row_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at} {row_id}".encode()).decode()
