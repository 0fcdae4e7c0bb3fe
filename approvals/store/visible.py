"""Queries that leave out what somebody may not read (`approvals.rules.visibility`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from countersign.approvals.models import Delivery, Domains, Principal, Request, Session
from countersign.approvals.rules.visibility import may_see, may_see_session
from countersign.approvals.store import codec, request_lists, session_lists
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store.timelines import Place

T = TypeVar("T")
LOOKED = 1_000
"""So many rows one page looks at to find what may be read."""
AT_ONCE = 100
"""So many are read at once when the first ones were not enough."""


class Eyes(NamedTuple):
    """Who reads, and which domains there are now; None reads everything."""

    reader: Principal | None
    domains: Domains

    def requests(self, connection: Connection, found: list[Request]) -> list[Request]:
        """Those of these that may be read, a page at most."""
        if self.reader is None or not self.domains:
            return found
        around = session_lists.among(connection, {request.session_id for request in found})
        return [
            request
            for request in found
            if may_see(self.reader, request, around[request.session_id], self.domains)
        ]

    def sessions(self, connection: Connection, found: list[Session]) -> list[Session]:
        """Those of these that may be read."""
        if self.reader is None or not self.domains:
            return found
        around = request_lists.of_sessions(connection, [session.id for session in found])
        return [
            session
            for session in found
            if may_see_session(self.reader, session, around.get(session.id, ()), self.domains)
        ]


def page(
    connection: Connection,
    read: Callable[..., list[T]],
    seen: Callable[[Connection, list[T]], list[T]],
    after: Place | None,
    size: int,
) -> tuple[list[T], Place | None]:
    """Up to `size` of what may be read after a place, and where it goes on, if that can find more.
    `read` gives what is there `after` a place, `limit` at a time; a call looks at LOOKED of it,
    however few of them may be read."""
    found: list[T] = []
    looked, most = 0, size + 1
    while looked < LOOKED:
        rows = read(connection, after=after, limit=most)
        found += seen(connection, rows)
        if len(found) > size:
            return found[:size], _place(found[size - 1])
        if len(rows) < most:
            return found, None
        looked, most, after = looked + most, max(most, AT_ONCE), _place(rows[-1])
    return found, after


def _place(row: Any) -> Place:
    return codec.to_text(row.created_at), row.id


def failing(connection: Connection, eyes: Eyes, *, limit: int) -> list[Delivery]:
    """Deliveries that are tried again because they have failed, of requests that may be read."""
    found = delivery_rows.failing(connection, limit=limit)
    around = request_rows.among(connection, [each.request_id for each in found])
    seen = {request.id for request in eyes.requests(connection, around)}
    return [each for each in found if each.request_id in seen]
