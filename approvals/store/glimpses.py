"""Glimpses: as much of many requests as one has to know to choose among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from countersign.approvals.models import RequestKind, Risk
from countersign.approvals.rules.wanted import Glimpse
from countersign.approvals.store import codec
from countersign.approvals.store.schema import requests

AT_ONCE = 400
"""Requests that are read by one query: SQLite takes so many parameters."""
_COLUMNS = (
    requests.c.id,
    requests.c.created_at,
    requests.c.expires_at,
    requests.c.kind,
    requests.c.risk,
    requests.c.tool,
    requests.c.arguments,
    requests.c.rationale,
    requests.c.requester,
    requests.c.agent,
)


def among(connection: Connection, request_ids: Sequence[str]) -> list[Glimpse]:
    """Of these requests, in their order."""
    found: dict[str, Glimpse] = {}
    for first in range(0, len(request_ids), AT_ONCE):
        some = request_ids[first : first + AT_ONCE]
        for row in connection.execute(select(*_COLUMNS).where(requests.c.id.in_(some))):
            found[row[0]] = _glimpse(row)
    return [found[request_id] for request_id in request_ids if request_id in found]


def _glimpse(row: Any) -> Glimpse:
    request_id, created_at, expires_at, kind, risk, *words = row
    due = None if expires_at is None else codec.from_text(expires_at)
    at = codec.from_text(created_at)
    return Glimpse(request_id, at, due, RequestKind(kind), Risk(risk), *words)
