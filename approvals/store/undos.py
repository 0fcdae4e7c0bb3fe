"""Queries on the sessions that take back what a request has done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select

from countersign.approvals.models import RequestId, Undone
from countersign.approvals.store import codec, requests
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import sessions
from countersign.approvals.store.sessions import COLUMNS


def of_request(connection: Connection, request_id: str) -> list[Undone]:
    """Every attempt to undo the request, oldest first."""
    found = [codec.session(row) for row in _OF_REQUEST.all(connection, of=request_id)]
    return [
        Undone(session=each, request=next(iter(requests.of_session(connection, each.id)), None))
        for each in found
    ]


def of_requests(
    connection: Connection, request_ids: Sequence[RequestId]
) -> Mapping[RequestId, Sequence[Undone]]:
    """`of_request` for each of these, a page at most."""
    return {of: of_request(connection, of) for of in request_ids}


_OF_REQUEST = Prepared(
    select(*COLUMNS)
    .where(sessions.c.undoes == bindparam("of"))
    .order_by(sessions.c.created_at, sessions.c.id)
)
