"""Review of pending requests after people have changed: that nobody can decide one is told once,
and told again when somebody can.

What is pending is looked at by its shape (stages, requester), of which there are as many as rules
and people and not as many as requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.forms.wording import in_words, people_in_words
from countersign.approvals.models import (
    JsonObject,
    Request,
    RequestId,
    RequestKind,
    RequestStatus,
    Session,
    Subject,
    Vote,
)
from countersign.approvals.observer import SILENT, Observer
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.eligibility import Asked, asked, eligible
from countersign.approvals.rules.shortfall import Shortfall, shortfall
from countersign.approvals.rules.subjects import people_for, subject_of
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import nobody_left, session_lists
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store import votes as vote_rows

AT_ONCE = 100
"""How many requests one transaction tells of."""
Told = tuple[Request, Shortfall | None]
_Find = Callable[[Connection, str, int], list[RequestId]]


class Review:
    """Run it when a server starts and whenever the directory has been read again."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        outbox: Outbox,
        observer: Observer = SILENT,
    ):
        self._store, self._moments = store, moments
        self._outbox, self._observer = outbox, observer

    async def run(self) -> int:
        """Tell everybody concerned; returns of how many requests.

        Run twice, or by two servers at once, it tells nothing twice. Raises UnavailableError.
        """
        self._people = self._moments.now().people
        self._known: dict[tuple[Asked, Subject | None], Shortfall | None] = {}
        count = await self._each(nobody_left.told)
        for shape in await self._store.read(self._stuck_shapes):
            count += await self._each(_of_shape(shape))
        return count + await self._each(nobody_left.voted)

    def _stuck_shapes(self, connection: Connection) -> list[nobody_left.Shape]:
        stuck = []
        for shape, request_id in nobody_left.shapes(connection):
            request = request_rows.get(connection, request_id)
            session = session_rows.get(connection, request.session_id)
            if self._shortfall(request, [], session) is not None:
                stuck.append(shape)
        return stuck

    def _shortfall(
        self, request: Request, votes: Sequence[Vote], session: Session
    ) -> Shortfall | None:
        ask, people = asked(request, votes), people_for(self._people, request, session)
        key = ask, subject_of(request, session) if people is not self._people else None
        if key not in self._known:
            self._known[key] = shortfall(ask, people)
        return self._known[key]

    async def _each(self, find: _Find) -> int:
        count, after = 0, ""
        while True:
            start = after
            ids = await self._store.read(lambda c, at=start: find(c, at, AT_ONCE))  # type: ignore[misc]
            changed = await self._store.read(lambda c, of=ids: self._changed(c, of))  # type: ignore[misc]
            if changed:
                told = await self._store.unit(partial(self._tell, ids=changed), self._moments.now())
                self._observe(told)
                count += len(told)
            if len(ids) < AT_ONCE:
                return count
            after = ids[-1]

    def _changed(self, connection: Connection, ids: Sequence[RequestId]) -> list[RequestId]:
        """Those of which something is to be told that was not told yet."""
        told = nobody_left.among(connection, ids)
        votes: dict[str, list[Vote]] = {}
        for vote in vote_rows.among(connection, ids):
            votes.setdefault(vote.request_id, []).append(vote)
        found = request_rows.among(connection, ids)
        around = session_lists.among(connection, {request.session_id for request in found})
        return [
            request.id
            for request in found
            if request.status is RequestStatus.PENDING
            and (
                self._shortfall(request, votes.get(request.id, []), around[request.session_id])
                is None
            )
            == (request.id in told)
        ]

    def _tell(self, unit: Unit, ids: Sequence[RequestId]) -> list[Told]:
        told: list[Told] = []
        for request_id in ids:
            request_rows.lock(unit, request_id)
            # read again: somebody may have voted, decided or told meanwhile
            if not self._changed(unit.connection, [request_id]):
                continue
            request = request_rows.get(unit.connection, request_id)
            session = session_rows.get(unit.connection, request.session_id)
            votes = vote_rows.of_request(unit.connection, request_id)
            short = self._shortfall(request, votes, session)
            self._say(unit, session, request, short)
            told.append((request, short))
        return told

    def _say(self, unit: Unit, session: Session, request: Request, short: Shortfall | None) -> None:
        what = "the question" if request.kind is RequestKind.INPUT else in_words(request.tool)
        if short is not None:
            nobody_left.add(unit.connection, request.id, unit.now)
            could = [person.id for person in short.could]
            body: JsonObject = {"request": request.id, "reason": short.why, "could": could}
            kind = "nobody_left"
            text = f"**Nobody can decide** {what} ({request.id}) any more. {short.text}"
        else:
            nobody_left.remove(unit.connection, request.id)
            votes = vote_rows.of_request(unit.connection, request.id)
            who = eligible(asked(request, votes), people_for(self._people, request, session))
            body = {"request": request.id, "eligible": [person.id for person in who]}
            kind = "somebody_again"
            text = f"{people_in_words(who)} can decide {what} ({request.id}) now."
            # perhaps to other people
            self._outbox.show(unit, session, [request], said=None)
        ledger_rows.append(unit, request.session_id, (kind, body))
        self._outbox.changed(unit, request)
        self._outbox.tell(unit, session, text)

    def _observe(self, told: Sequence[Told]) -> None:
        for request, short in told:
            if short is None:
                self._observer.somebody_again(request)
            else:
                self._observer.nobody_left(request, short.text)


def _of_shape(shape: nobody_left.Shape) -> _Find:
    return lambda connection, after, limit: nobody_left.untold(connection, shape, after, limit)
