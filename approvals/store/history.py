"""Queries on history: recorded calls by time, as they were proposed, with what became of them."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, or_, select

from countersign.approvals.models import Checked, RequestKind, RequestStatus, ToolCall, Via
from countersign.approvals.rules.simulation.recorded import RAN, Heard, Recorded
from countersign.approvals.store import codec
from countersign.approvals.store.schema import ledger, requests, sessions

PAGE = 1_000
"""Calls of one status that are read at once."""
Place = tuple[str, str]
"""(created_at, id) of a call: they are read in this order."""
START: Place = ("", "")
_NOBODY = frozenset({Via.POLICY, Via.GRANT, Via.CLOCK})
_APPROVED = frozenset({RequestStatus.APPROVED.value, *(each.value for each in RAN)})
_COLUMNS = (
    requests.c.created_at,
    requests.c.id,
    requests.c.status,
    requests.c.session_id,
    requests.c.checkpoint_id,
    requests.c.call_id,
    requests.c.tool,
    requests.c.arguments,
    requests.c.proposed_arguments,
    requests.c.agent,
    requests.c.executor,
    requests.c.requester,
    requests.c.seen,
    requests.c.decision,
    sessions.c.workflow,
)


class Span(NamedTuple):
    """From a moment on, and before another one."""

    since: datetime
    until: datetime


def count(connection: Connection, span: Span) -> int:
    """How many calls there are."""
    query = select(func.count()).select_from(requests).where(*_within(span))
    return connection.execute(query).scalar_one()


def newest(connection: Connection, span: Span, *, most: int) -> Span:
    """The part of a span with the newest calls: at most `most` of each status."""
    since = codec.to_text(span.since)
    for status in RequestStatus:
        query = (
            select(requests.c.created_at)
            .where(requests.c.status == status.value, *_within(span))
            .order_by(requests.c.created_at.desc(), requests.c.id.desc())
            .offset(most - 1)
            .limit(1)
        )
        since = max(since, connection.execute(query).scalar() or since)
    return span._replace(since=codec.from_text(since).astimezone(UTC))


def read(connection: Connection, span: Span, after: Place, *, most: int) -> list[Recorded]:
    """At least `most` calls after a place, the oldest first, if there are so many; those that were
    proposed at the same moment are never taken apart.

    What moves from one status to another meanwhile may be missed, or be read as it was before.
    """
    found: list[Any] = []
    for row in heapq.merge(
        *(_of_status(connection, each, span, after) for each in RequestStatus),
        key=itemgetter(0, 1),
    ):
        if len(found) >= most and row[0] != found[-1][0]:
            break
        found.append(row)
    revoked = _revoked(connection, [row[1] for row in found if row[2] == RequestStatus.REJECTED])
    return [_recorded(row, revoked) for row in found]


def place_of(recorded: Recorded) -> Place:
    """After which to read on."""
    return codec.to_text(recorded.at), recorded.id


def _of_status(
    connection: Connection, status: RequestStatus, span: Span, after: Place
) -> Iterator[Sequence[Any]]:
    """Page by page: each begins in the index where the last one ended."""
    while True:
        at, request_id = requests.c.created_at, requests.c.id
        query: Select[Any] = (
            select(*_COLUMNS)
            .join(sessions, sessions.c.id == requests.c.session_id)
            .where(
                requests.c.status == status.value,
                *_within(span),
                at >= after[0],
                or_(at > after[0], request_id > after[1]),
            )
            .order_by(at, request_id)
            .limit(PAGE)
        )
        rows = connection.execute(query).fetchall()
        yield from rows
        if len(rows) < PAGE:
            return
        after = (rows[-1][0], rows[-1][1])


def _within(span: Span) -> tuple[Any, ...]:
    at = requests.c.created_at
    return (
        requests.c.kind == RequestKind.TOOL.value,
        requests.c.canary.is_(None),
        at >= codec.to_text(span.since),
        at < codec.to_text(span.until),
    )


def _revoked(connection: Connection, request_ids: Sequence[str]) -> frozenset[str]:
    """Those of these that had been approved, as their sessions' ledger has it."""
    found: set[str] = set()
    for first in range(0, len(request_ids), PAGE // 2):
        some = request_ids[first : first + PAGE // 2]
        of_sessions = select(requests.c.session_id).where(requests.c.id.in_(some))
        query = select(ledger.c.body).where(
            ledger.c.session_id.in_(of_sessions), ledger.c.kind == "revoked"
        )
        bodies = (json.loads(body) for (body,) in connection.execute(query) if body)
        found |= {str(body.get("request")) for body in bodies}
    return frozenset(found)


def _recorded(row: Sequence[Any], revoked: frozenset[str]) -> Recorded:
    (at, request_id, status, session_id, checkpoint_id, call_id, tool, arguments, proposed) = row[
        :9
    ]
    agent, executor, requester, seen, decision, workflow = row[9:]
    decided = None if decision is None else json.loads(decision)
    by_people = decided is not None and decided["via"] not in _NOBODY
    # Values of ours, checked when they were stored: a million of them are not checked again.
    call = ToolCall.made(
        session_id=session_id,
        call_id=call_id,
        tool=tool,
        arguments=json.loads(arguments if proposed is None else proposed),
        agent=agent,
        executor=executor,
        rationale="",
        schema_version="",
        checked=_UNCHECKED,
        digest_salt="",
    )
    return Recorded(
        id=request_id,
        checkpoint_id=checkpoint_id,
        call=call,
        workflow=workflow,
        requester=requester,
        at=codec.from_text(at).astimezone(UTC),
        seen=None if seen is None else json.loads(seen),
        heard=_heard(status, by_people, changed=proposed is not None, taken=request_id in revoked),
        by=decided["by_name"] if by_people and decided is not None else "",
        decided_at=codec.from_text(decided["at"]) if by_people and decided is not None else None,
        ran=status in RAN,
    )


_UNCHECKED = Checked()


def _heard(status: str, by_people: bool, *, changed: bool, taken: bool) -> Heard:
    if status == RequestStatus.PENDING:
        return Heard.OPEN
    if status == RequestStatus.EXPIRED:
        return Heard.EXPIRED
    if status == RequestStatus.REJECTED and by_people:
        return Heard.REVOKED if taken else Heard.REJECTED
    if status == RequestStatus.CANCELLED and not by_people:
        return Heard.ENDED
    if not by_people:
        return Heard.NOBODY
    if status in _APPROVED:
        return Heard.CHANGED if changed else Heard.APPROVED
    return Heard.ENDED
