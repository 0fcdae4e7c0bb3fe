"""Queries on what waits for a person: by the roles that open stages ask for, not by looking
through all that is pending."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from countersign.approvals.models import (
    People,
    Principal,
    Request,
    RequestStatus,
    Session,
    Subject,
    Vote,
)
from countersign.approvals.rules.delegation import standing
from countersign.approvals.rules.eligibility import Asked, asked, place_of, reserved
from countersign.approvals.rules.subjects import people_for, subject_of
from countersign.approvals.rules.wanted import Order, Wanted, rank
from countersign.approvals.store import codec, glimpses, open_roles, session_lists
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import votes as vote_rows

AT_ONCE = 200
"""How many candidates are read at once."""
SEARCHED = 1_000
"""How many candidates one search looks at."""
SPARE = 10
"""So many more than are needed are read in whole: a few are not for this person."""


class Waiting:
    """Finds the pending requests that one person may decide at `now`."""

    def __init__(self, people: People, principal: Principal, now: datetime):
        principal = people.by_id(principal.id) or principal  # with what they are on call for
        self._people, self._principal, self._now = people, principal, now
        lent = (carried for _, carried in people.givers(principal.id))
        self._wide = principal.model_copy(update={"roles": principal.roles.union(*lent)})
        self._kept_out: dict[tuple[Asked, tuple[str, Subject | None]], bool] = {}

    def first(self, connection: Connection, limit: int) -> list[Request]:
        """The oldest `limit` of them, however many candidates have to be looked at."""
        found: list[Request] = []
        place: open_roles.Place | None = None
        while True:
            more, place = self.search(
                connection, after=place, limit=limit - len(found), wanted=Wanted()
            )
            found += more
            if place is None or len(found) == limit:
                return found

    def search(
        self,
        connection: Connection,
        *,
        after: open_roles.Place | None,
        limit: int,
        wanted: Wanted,
        newest: bool = False,
    ) -> tuple[list[Request], open_roles.Place | None]:
        """Those of the oldest (or newest) that are wanted, `limit` at most, and where to look
        further, if that can find more. A call looks at SEARCHED candidates at most, however few of
        them fit."""
        found: list[Request] = []
        place = after or (open_roles.END if newest else open_roles.BEGINNING)
        for _ in range(SEARCHED // AT_ONCE):
            places = open_roles.waiting(connection, self._wide, place, AT_ONCE, newest=newest)
            ids = [request_id for _, request_id in places]
            if not wanted.is_all:
                ids = [each.id for each in glimpses.among(connection, ids) if wanted.fits(each)]
            found += self._mine(connection, ids, limit + 1 - len(found))
            if len(found) > limit:
                return found[:limit], _place(found[limit - 1])
            if len(places) < AT_ONCE:
                return found, None
            place = places[-1]
        return found, place

    def ranked(
        self, connection: Connection, *, skip: int, limit: int, wanted: Wanted, order: Order
    ) -> tuple[list[Request], bool]:
        """Those wanted of the SEARCHED that have waited longest, in this order, after `skip` of
        them; and whether there are more."""
        places = open_roles.waiting(connection, self._wide, open_roles.BEGINNING, SEARCHED)
        looked = glimpses.among(connection, [request_id for _, request_id in places])
        fitting = [each for each in looked if wanted.fits(each)]
        fitting.sort(key=lambda each: rank(order, each))
        until = skip + limit
        found = self._mine(connection, [each.id for each in fitting], until + 1)
        return found[skip:until], len(found) > until

    def of_session(
        self,
        connection: Connection,
        session_id: str,
        *,
        after: open_roles.Place | None,
        limit: int,
    ) -> list[Request]:
        """The oldest of one session, of which only so many can be pending at once."""
        opened = request_rows.open_of_session(connection, session_id)
        opened.sort(key=_place)
        later = [request for request in opened if _place(request) > (after or open_roles.BEGINNING)]
        return self._may(connection, later)[:limit]

    def _mine(
        self, connection: Connection, request_ids: Sequence[str], enough: int
    ) -> list[Request]:
        """Those of these, in their order, until there are `enough`: a whole request takes ten times
        as long to read as where it stands."""
        found: list[Request] = []
        left = list(request_ids)
        while left and len(found) < enough:
            some, left = left[: enough + SPARE], left[enough + SPARE :]
            order = {request_id: number for number, request_id in enumerate(some)}
            candidates = request_rows.among(connection, some)
            candidates.sort(key=lambda request: order[request.id])
            found += self._may(connection, candidates)
        return found[:enough]

    def _may(self, connection: Connection, candidates: list[Request]) -> list[Request]:
        votes: dict[str, list[Vote]] = {}
        for vote in vote_rows.among(connection, [r.id for r in candidates]):
            votes.setdefault(vote.request_id, []).append(vote)
        around = session_lists.among(connection, {r.session_id for r in candidates})
        return [
            r for r in candidates if self._may_decide(r, votes.get(r.id, []), around[r.session_id])
        ]

    def _may_decide(self, request: Request, votes: list[Vote], session: Session) -> bool:
        if request.status is not RequestStatus.PENDING:
            return False
        if request.expires_at is not None and request.expires_at <= self._now:
            return False
        subject, people = subject_of(request, session), people_for(self._people, request, session)
        person = self._principal.about(subject, people.domains)
        reason, giver = standing(people, person, request, votes)
        if reason is not None:
            return False
        seat = (giver or person).id, subject if people is not self._people else None
        ask = asked(request, votes), seat
        if ask not in self._kept_out:
            number = place_of(ask[0], giver or person, people)
            needed = reserved(ask[0], giver or person, people, number)
            self._kept_out[ask] = needed is not None
        return not self._kept_out[ask]


def _place(request: Request) -> open_roles.Place:
    return codec.to_text(request.created_at), request.id
