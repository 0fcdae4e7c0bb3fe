"""Queries on the texts of results that are longer than agents are given."""

from __future__ import annotations

from sqlalchemy import Connection, select

from countersign.approvals.models import Request, RequestId
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes
from countersign.approvals.store.schema import result_texts


def keep(unit: Unit, request: Request, text: str) -> None:
    """Add the text of a result that was not stored before."""
    columns = {"request_id": request.id, "text": text}
    unit.connection.execute(result_texts.insert().values(columns))
    changes.note(unit, request.session_id, "result_texts", [request.id], columns)


def get(connection: Connection, request_id: RequestId) -> str | None:
    """The text; None where the request itself has all of it."""
    query = select(result_texts.c.text).where(result_texts.c.request_id == request_id)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else str(found)
