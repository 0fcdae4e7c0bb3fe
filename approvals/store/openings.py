"""Queries on who has read all of a request."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from countersign.approvals.models import Opening, PrincipalId, RequestId
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.prepared import Prepared, insertion
from countersign.approvals.store.schema import request_openings


def add(unit: Unit, opening: Opening, session_id: str) -> bool:
    """Record it; False if it was recorded before. The session of the request must be locked."""
    known = of_revision(unit.connection, opening.request_id, opening.revision)
    if any(each.principal_id == opening.principal_id for each in known):
        return False
    columns = {
        "request_id": opening.request_id,
        "revision": opening.revision,
        "principal_id": opening.principal_id,
        "at": codec.to_text(opening.at),
    }
    _INSERT.run(unit.connection, **columns)
    key: list[str | int] = [opening.request_id, opening.revision, opening.principal_id]
    changes.note(unit, session_id, "request_openings", key, columns)
    return True


def of_revision(connection: Connection, request_id: str, revision: int) -> list[Opening]:
    """Who has read this revision, by id."""
    rows = _OF_REVISION.all(connection, of=request_id, at=revision)
    return [
        Opening(
            request_id=RequestId(row[0]),
            revision=row[1],
            principal_id=PrincipalId(row[2]),
            at=codec.from_text(row[3]),
        )
        for row in rows
    ]


_INSERT = insertion(request_openings)
_OF_REVISION = Prepared(
    select(request_openings)
    .where(
        request_openings.c.request_id == bindparam("of"),
        request_openings.c.revision == bindparam("at"),
    )
    .order_by(request_openings.c.principal_id)
)
