"""Queries on votes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, select

from countersign.approvals.models import Request, RequestId, Stage, Vote
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import votes


def add(unit: Unit, session_id: str, values: Sequence[Vote]) -> None:
    """Record votes; the key refuses a second one of the same person on the same revision."""
    rows = [codec.vote_columns(value) for value in values]
    _INSERT_VOTE.run_each(unit.connection, rows)
    for value, columns in zip(values, rows, strict=True):
        key: list[str | int] = [value.request_id, value.revision, value.principal_id]
        changes.note(unit, session_id, "votes", key, columns)


def remove(unit: Unit, session_id: str, value: Vote) -> None:
    """Forget a vote that was taken back; the ledger keeps it."""
    _DELETE_VOTE.run(
        unit.connection,
        of=value.request_id,
        number=value.revision,
        person=value.principal_id,
    )
    key: list[str | int] = [value.request_id, value.revision, value.principal_id]
    changes.gone(unit, session_id, "votes", key)


def of_request(connection: Connection, request_id: str) -> list[Vote]:
    """All votes on all revisions, oldest first."""
    return [codec.vote(row) for row in _VOTES_OF.all(connection, of=request_id)]


def since(connection: Connection, request: Request) -> list[Vote]:
    """`of_request`, without a look where nobody can have voted on the request as it is: one vote
    would have decided it."""
    return [] if _is_fresh(request) else of_request(connection, request.id)


def since_each(connection: Connection, requests: Sequence[Request]) -> dict[RequestId, list[Vote]]:
    """`since` of several, at most a few hundred."""
    found: dict[RequestId, list[Vote]] = {request.id: [] for request in requests}
    asked = [request.id for request in requests if not _is_fresh(request)]
    for vote in among(connection, asked) if asked else ():
        found[vote.request_id].append(vote)
    return found


def _is_fresh(request: Request) -> bool:
    only = request.revision == 1 and request.stage == 0 and len(request.stages) == 1
    return only and _one_vote_decides(request.stages[0])


def _one_vote_decides(stage: Stage) -> bool:
    return stage.quorum == stage.rejects == 1 and not stage.parallel


def among(connection: Connection, request_ids: Sequence[str]) -> list[Vote]:
    """All votes on these requests, at most a few hundred; those on one of them oldest first."""
    query = (
        select(votes)
        .where(votes.c.request_id.in_(request_ids))
        .order_by(votes.c.at, votes.c.principal_id)
    )
    return [codec.vote(row) for row in connection.execute(query)]


_INSERT_VOTE = insertion(votes)
_DELETE_VOTE = Prepared(
    delete(votes).where(
        votes.c.request_id == bindparam("of"),
        votes.c.revision == bindparam("number"),
        votes.c.principal_id == bindparam("person"),
    )
)
_VOTES_OF = Prepared(
    select(votes)
    .where(votes.c.request_id == bindparam("of"))
    .order_by(votes.c.at, votes.c.principal_id)
)
