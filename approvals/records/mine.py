"""What one person may decide now: by pages, or what they look for in it."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import (
    Principal,
    Request,
)
from countersign.approvals.ports import Clock, Directory, Reader
from countersign.approvals.records.paging import (
    Page,
    encoded,
    page_of,
    place_of,
    placed,
    size_of,
    skipped,
)
from countersign.approvals.rules.wanted import Order, Wanted
from countersign.approvals.store import codec
from countersign.approvals.store.waiting import Waiting


class Mine:
    """Reads what waits for one person, as `Records` says."""

    def __init__(self, reader: Reader, clock: Clock, directory: Directory):
        self._reader, self._clock, self._directory = reader, clock, directory

    async def page(
        self, principal: Principal, session_id: str | None, limit: int, cursor: str | None
    ) -> Page[Request]:
        """`Records.mine`."""
        if session_id is None:
            return await self.search(principal, Wanted(), Order.OLDEST, limit, cursor)
        after, size = place_of(cursor), size_of(limit)
        waiting = self._waiting(principal)
        found = await self._reader.read(
            lambda c: waiting.of_session(c, session_id, after=after, limit=size + 1)
        )
        return page_of(found, size)

    async def first(self, principal: Principal, limit: int) -> Sequence[Request]:
        """`Records.waiting_for`."""
        size, waiting = size_of(limit), self._waiting(principal)
        return await self._reader.read(lambda c: waiting.first(c, size))

    async def search(
        self, principal: Principal, wanted: Wanted, order: Order, limit: int, cursor: str | None
    ) -> Page[Request]:
        """`Records.search`."""
        after, size = place_of(cursor), size_of(limit)
        waiting = self._waiting(principal)
        if order in (Order.DUE, Order.RISK):
            skip = skipped(after)
            ranked, more = await self._reader.read(
                lambda c: waiting.ranked(c, skip=skip, limit=size, wanted=wanted, order=order)
            )
            further = encoded(codec.to_text(self._clock.now()), str(skip + size)) if more else None
            return Page(items=tuple(ranked), next=further)
        newest = order is Order.NEWEST
        found, place = await self._reader.read(
            lambda c: waiting.search(c, after=after, limit=size, wanted=wanted, newest=newest)
        )
        return placed(found, place)

    def _waiting(self, principal: Principal) -> Waiting:
        now = self._clock.now()
        return Waiting(self._directory.people().at(now), principal, now)
