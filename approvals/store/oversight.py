"""Queries on how people have decided: the newest requests that asked them, with their votes."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, or_, select

from countersign.approvals.models import RequestKind, RequestStatus, Verdict, Via
from countersign.approvals.rules.oversight import Cast, Looked
from countersign.approvals.store import codec
from countersign.approvals.store.schema import requests, votes

LOOKED = 100_000
"""So many calls of each status are looked through at most, the newest: most may have asked
nobody."""
FOR_EACH = 10
"""So many for each that is wanted."""
AT_ONCE = 400
"""Requests whose votes are read by one query: SQLite takes so many parameters."""
_COLUMNS = (
    requests.c.created_at,
    requests.c.id,
    requests.c.rule_id,
    requests.c.status,
    requests.c.revision,
    requests.c.proposed_arguments.is_not(None),
)
_ALONE = tuple(f'%"via":"{via}"%' for via in (Via.POLICY, Via.GRANT))
"""How decisions are written that a rule or a grant has made."""


def newest(
    connection: Connection, since: datetime, until: datetime, *, most: int
) -> tuple[list[Looked], bool]:
    """The newest calls of this time about which people were asked, at most `most`, the newest
    first; and whether these are all."""
    through = min(LOOKED, FOR_EACH * most)
    begins = {each: _beginning(connection, each, since, until, through) for each in RequestStatus}
    statuses = (_of(connection, each, at, until, most + 1) for each, at in begins.items())
    by_time = heapq.merge(*statuses, key=lambda row: (row[0], row[1]), reverse=True)
    rows = list(islice(by_time, most + 1))
    found = rows[:most]
    cast = _votes(connection, [row[1] for row in found])
    looked = [
        Looked(
            rule=row[2],
            at=codec.from_text(row[0]),
            status=RequestStatus(row[3]),
            revision=row[4],
            changed=bool(row[5]),
            votes=cast.get(row[1], ()),
        )
        for row in found
    ]
    whole = all(at == since for at in begins.values())
    return looked, whole and len(rows) <= most


def _beginning(
    connection: Connection, status: RequestStatus, since: datetime, until: datetime, through: int
) -> datetime:
    """From when on calls of a status are looked through, with those that asked nobody."""
    query = (
        select(requests.c.created_at)
        .where(
            requests.c.status == status.value,
            requests.c.created_at >= codec.to_text(since),
            requests.c.created_at < codec.to_text(until),
        )
        .order_by(requests.c.created_at.desc(), requests.c.id.desc())
        .offset(through)
        .limit(1)
    )
    oldest = connection.execute(query).scalar()
    return since if oldest is None else codec.from_text(oldest)


def _of(
    connection: Connection, status: RequestStatus, since: datetime, until: datetime, most: int
) -> Sequence[Any]:
    decision = requests.c.decision
    query = (
        select(*_COLUMNS)
        .where(
            requests.c.status == status.value,
            requests.c.created_at >= codec.to_text(since),
            requests.c.created_at < codec.to_text(until),
            requests.c.kind == RequestKind.TOOL.value,
            requests.c.canary.is_(None),
            requests.c.stages != "[]",
            or_(decision.is_(None), ~or_(*(decision.like(each) for each in _ALONE))),
        )
        .order_by(requests.c.created_at.desc(), requests.c.id.desc())
        .limit(most)
    )
    return connection.execute(query).fetchall()


def _votes(connection: Connection, request_ids: Sequence[str]) -> dict[str, list[Cast]]:
    found: dict[str, list[Cast]] = defaultdict(list)
    for first in range(0, len(request_ids), AT_ONCE):
        some = request_ids[first : first + AT_ONCE]
        query = (
            select(
                votes.c.request_id,
                votes.c.principal_id,
                votes.c.name,
                votes.c.via,
                votes.c.verdict,
                votes.c.revision,
                votes.c.at,
            )
            .where(votes.c.request_id.in_(some))
            .order_by(votes.c.at, votes.c.principal_id)
        )
        for request_id, by, name, via, verdict, revision, at in connection.execute(query):
            is_yes = verdict != Verdict.REJECT.value
            cast = Cast(by, name, via, is_yes, revision, codec.from_text(at))
            found[request_id].append(cast)
    return found
