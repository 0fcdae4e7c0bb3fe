"""Queries on the sessions that take back what a request has done."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from countersign.approvals.models import Undone
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


_OF_REQUEST = Prepared(
    select(*COLUMNS)
    .where(sessions.c.undoes == bindparam("of"))
    .order_by(sessions.c.created_at, sessions.c.id)
)
