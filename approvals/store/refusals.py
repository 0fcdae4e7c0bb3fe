"""Queries on how often somebody was refused at a request."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from countersign.approvals.models import RequestId
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import vote_refusals


def add(connection: Connection, request_id: RequestId, identity: str) -> int:
    """Count one more; returns how many there are. The session of the request must be locked."""
    known = _COUNT.first(connection, of=request_id, who=identity)
    if known is None:
        _INSERT.run(connection, request_id=request_id, identity=identity, count=1)
        return 1
    count = int(known[0]) + 1
    mine = vote_refusals.c.request_id == request_id, vote_refusals.c.identity == identity
    connection.execute(update(vote_refusals).where(*mine).values(count=count))
    return count


_INSERT = insertion(vote_refusals)
_COUNT = Prepared(
    select(vote_refusals.c.count).where(
        vote_refusals.c.request_id == bindparam("of"), vote_refusals.c.identity == bindparam("who")
    )
)
