"""Every read of what is stored: sessions, requests, votes, results, the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from countersign.approvals.audit.ledger import Verification
from countersign.approvals.decisions.long_results import ResultText, whole
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import (
    Delivery,
    GivenDelegation,
    Grant,
    JsonObject,
    LedgerEntry,
    Pause,
    Principal,
    Question,
    Request,
    RequestId,
    RequestStatus,
    Session,
    SessionId,
    SessionStatus,
    Used,
    Vote,
)
from countersign.approvals.ports import Clock, Directory, Reader, RequestView, Schemas
from countersign.approvals.records.chains import (
    entries_of,
    governance_of,
    request_of,
    session_of,
    verification_of,
)
from countersign.approvals.records.mine import Mine
from countersign.approvals.records.oversight import Oversight
from countersign.approvals.records.paging import Page, place_of, placed, size_of
from countersign.approvals.records.views import Views
from countersign.approvals.rules.policies import Policies
from countersign.approvals.rules.wanted import Order, Wanted
from countersign.approvals.store import codec, request_lists, session_lists, visible
from countersign.approvals.store import delegations as delegation_rows
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import grants as grant_rows
from countersign.approvals.store import pauses as pause_rows
from countersign.approvals.store import questions as question_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store import votes as vote_rows
from countersign.approvals.store.budget_standings import BudgetUse, standings
from countersign.approvals.store.verifying import verify_all, verify_governance
from countersign.approvals.store.view_rows import Afterwards, afterwards, around, view_rows
from countersign.approvals.store.visible import Eyes
from countersign.approvals.tickets import ActKey, RecordedAct


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
        self.views = Views(clock, directory, catalog, policies)
        self.oversight = Oversight(reader, clock, policies)
        self._mine = Mine(reader, clock, directory)
        self._policies = policies
        self.reader = reader
        self._clock = clock
        self._directory = directory

    async def begun_with(self, idempotency_key: str) -> Session | None:
        """The session that was started with this key."""
        return await self.reader.read(lambda c: session_rows.of_key(c, idempotency_key))

    async def acted(self, act: ActKey) -> RecordedAct | None:
        """What became of an act, if it was a vote or an answer."""
        return await self.reader.read(lambda c: ticket_rows.act(c, act))

    async def view(self, request_id: str) -> RequestView:
        """All that a channel shows of a request. Raises NotFoundError."""
        return self.views.shown(await self.reader.read(lambda c: view_rows(c, request_id)))

    async def grants(
        self, *, limit: int = 50, holding: bool = False
    ) -> Sequence[tuple[Grant, Used]]:
        """Grants, newest first, each with how far it is used; only those `holding` that are neither
        revoked nor over. Raises InvalidError for a bad limit."""
        size = size_of(limit)
        now = codec.to_text(self._clock.now()) if holding else None
        return await self.reader.read(lambda c: grant_rows.page(c, limit=size, holding=now))

    async def budgets(self, *, limit: int = 20) -> Sequence[BudgetUse]:
        """What is used of the budgets of the policy, those first of which most is; of one that is
        divided, `limit` parts. Raises InvalidError for a bad limit."""
        size = size_of(limit)
        if self._policies is None:
            return ()
        known, now = self._policies.current.budgets.budgets, self._clock.now()
        return await self.reader.read(lambda c: standings(c, known, now, limit=size))

    async def request(self, request_id: str) -> Request:
        """One request. Raises NotFoundError, or IntegrityError for one that was changed."""
        return await self.reader.read(lambda c: request_of(c, request_id))

    async def session(self, session_id: str) -> Session:
        """One session. Raises NotFoundError, or IntegrityError for one that was changed."""
        return await self.reader.read(lambda c: session_of(c, session_id))

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
        """Requests, oldest (or newest) first; with `reader` those that this person may read: then
        a page may have fewer than `limit` and yet a cursor, where there was much to look through.
        Raises InvalidError for a bad cursor or limit."""
        after, size = place_of(cursor), size_of(limit)
        read = partial(request_lists.page, status=status, session_id=session_id, newest=newest)
        seen = self._eyes(reader).requests
        found, place = await self.reader.read(lambda c: visible.page(c, read, seen, after, size))
        return placed(found, place)

    async def sessions(
        self,
        *,
        status: SessionStatus | None = None,
        conversation: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        reader: Principal | None = None,
    ) -> Page[Session]:
        """Sessions, newest first; with `reader` those that this person may read, by pages as of
        `requests`. Raises InvalidError for a bad cursor or limit."""
        after, size = place_of(cursor), size_of(limit)
        read = partial(session_lists.page, status=status, conversation=conversation)
        seen = self._eyes(reader).sessions
        found, place = await self.reader.read(lambda c: visible.page(c, read, seen, after, size))
        return placed(found, place)

    def _eyes(self, reader: Principal | None) -> Eyes:
        return Eyes(reader, self._directory.people().domains)

    async def require_seen(self, reader: Principal, request_id: str) -> None:
        """Raise NotFoundError unless this person may read the request: whoever may not, does not
        learn that there is one."""
        eyes = self._eyes(reader)
        if eyes.domains and not await self.reader.read(
            lambda c: eyes.requests(c, [request_rows.get(c, request_id)])
        ):
            raise NotFoundError(f"There is no request {request_id}.")

    async def require_session_seen(self, reader: Principal, session_id: str) -> None:
        """`require_seen` for a session, with what was said in it and its ledger."""
        eyes = self._eyes(reader)
        if eyes.domains and not await self.reader.read(
            lambda c: eyes.sessions(c, [session_rows.get(c, session_id)])
        ):
            raise NotFoundError(f"There is no session {session_id}.")

    async def waiting_for(self, principal: Principal, *, limit: int = 20) -> Sequence[Request]:
        """Pending requests that this person may decide now, oldest first."""
        return await self._mine.first(principal, limit)

    async def mine(
        self,
        principal: Principal,
        *,
        session_id: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Request]:
        """`waiting_for` by pages, of which one may have fewer than `limit` and yet a cursor. Raises
        InvalidError for a bad cursor or limit."""
        return await self._mine.page(principal, session_id, limit, cursor)

    async def search(
        self,
        principal: Principal,
        wanted: Wanted,
        *,
        order: Order = Order.OLDEST,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Request]:
        """What is wanted of `mine`. A page may have fewer than `limit` and yet a cursor: then there
        was much to look through. By deadline or risk the 1,000 that have waited longest are sorted.
        Raises InvalidError for a bad cursor or limit."""
        return await self._mine.search(principal, wanted, order, limit, cursor)

    async def votes(self, request_id: str) -> Sequence[Vote]:
        """All votes on all revisions of a request, oldest first."""
        return await self.reader.read(lambda c: vote_rows.of_request(c, request_id))

    async def questions(
        self, requests: Sequence[Request]
    ) -> Mapping[RequestId, Sequence[Question]]:
        """What was asked about each of these requests, a page at most; in order."""
        ids = [request.id for request in requests if request.questions]
        found = await self.reader.read(lambda c: question_rows.among(c, ids)) if ids else []
        return {of: [each for each in found if each.request_id == of] for of in ids}

    async def afterwards(self, requests: Sequence[Request]) -> Mapping[RequestId, Afterwards]:
        """What came of each of these requests afterwards, a page at most; of some, nothing."""
        return await self.reader.read(lambda c: afterwards(c, requests))

    async def question(self, question_id: str) -> Question:
        """One question. Raises NotFoundError."""
        found = await self.reader.read(lambda c: question_rows.get(c, question_id))
        if found is None:
            raise NotFoundError(f"There is no question {question_id}.")
        return found

    async def deliveries(self, request_id: str) -> Sequence[Delivery]:
        """Where a request is shown, or waits to be."""
        return await self.reader.read(lambda c: delivery_rows.of_request(c, request_id))

    async def failing(self, reader: Principal, *, limit: int = 50) -> Sequence[Delivery]:
        """Deliveries that are tried again because they have failed, of requests that this person
        may read. Raises InvalidError for a bad limit."""
        size, eyes = size_of(limit), self._eyes(reader)
        return await self.reader.read(lambda c: visible.failing(c, eyes, limit=size))

    async def around(
        self, request_ids: Sequence[RequestId]
    ) -> Mapping[RequestId, tuple[Sequence[Vote], Sequence[Delivery]]]:
        """`votes` and `deliveries` of each of these requests, a page at most."""
        return await self.reader.read(lambda c: around(c, request_ids))

    async def sessions_of(self, requests: Sequence[Request]) -> Mapping[SessionId, Session]:
        """The sessions of these requests, a page at most."""
        ids = {request.session_id for request in requests}
        return await self.reader.read(lambda c: session_lists.among(c, ids))

    async def result(self, request_id: RequestId) -> ResultText:
        """All that is kept of what a call returned. Raises NotFoundError, also if nothing is known
        of it yet."""
        return await self.reader.read(lambda c: whole(c, request_id))

    async def transcript(self, session_id: str) -> Sequence[JsonObject]:
        """The chat's messages up to the last stored state. Raises NotFoundError."""
        chat = await self.reader.read(lambda c: session_rows.chat(c, session_id))
        return [] if chat is None else chat.messages()

    async def ledger(self, session_id: str) -> Sequence[LedgerEntry]:
        """A session's entries in order. Raises NotFoundError, or IntegrityError if one of them is
        not what we wrote."""
        return await self.reader.read(lambda c: entries_of(c, session_id))

    async def pauses(self) -> Sequence[Pause]:
        """The pauses that hold, oldest first."""
        return await self.reader.read(pause_rows.active)

    async def all_pauses(self, *, limit: int = 50) -> Sequence[Pause]:
        """Also those that have ended, newest first. Raises InvalidError for a bad limit."""
        size = size_of(limit)
        return await self.reader.read(lambda c: pause_rows.page(c, limit=size))

    async def delegations(
        self, *, limit: int = 50, ended: bool = False
    ) -> Sequence[GivenDelegation]:
        """What people have given by themselves, newest first; without `ended` only what holds or
        will. Raises InvalidError for a bad limit."""
        size, until = size_of(limit), None if ended else self._clock.now()
        return await self.reader.read(lambda c: delegation_rows.page(c, limit=size, ended=until))

    async def governance(
        self, *, after: int = 0, limit: int | None = None
    ) -> Sequence[LedgerEntry]:
        """The entries that belong to no session and follow number `after`, in order. Raises
        IntegrityError if one of them is not what we wrote."""
        return await self.reader.read(lambda c: governance_of(c, after=after, limit=limit))

    async def verify_governance(self) -> Verification:
        """Check the chain of what belongs to no session."""
        return await self.reader.read(verify_governance)

    async def verify(
        self, session_id: SessionId | None = None, *, tell: Callable[[int], None] = lambda _: None
    ) -> Verification:
        """Check the chain of one session, or all there are: then `tell` hears how many entries were
        checked so far."""
        if session_id is None:
            return await verify_all(self.reader, tell)
        return await self.reader.read(lambda c: verification_of(c, session_id))
