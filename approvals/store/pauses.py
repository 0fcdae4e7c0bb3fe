"""Queries on pauses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, update

from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.models import (
    Domain,
    Domains,
    Pause,
    PauseId,
    PauseKind,
    PauseScope,
    RequestId,
    RequestStatus,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec, governance
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import pauses, requests, sessions

_LOCK_KEY = 0x9A05E
"""Of PostgreSQL's advisory lock: claims share it, whoever pauses has it alone."""
BEGINNING, END = 1, 2
"""What is not told yet."""


def lock(unit: Unit) -> None:
    """Wait for the claims that are under way, and let others wait for the end of this transaction:
    what is claimed from then on knows of the pause."""
    governance.lock(unit.connection, _LOCK_KEY)


def holding(unit: Unit) -> list[Pause]:
    """The pauses that hold, for a claim: none begins or ends before the transaction has ended."""
    if unit.is_unpaused:
        return []
    if unit.connection.dialect.name == "postgresql":
        _SHARED.first(unit.connection)
    return active(unit.connection)


def active(connection: Connection) -> list[Pause]:
    """The pauses that hold, oldest first."""
    return [_pause(row) for row in _ACTIVE.all(connection)]


def page(connection: Connection, *, limit: int) -> list[Pause]:
    """The pauses that hold or have held, newest first."""
    query = select(*_COLUMNS).order_by(pauses.c.at.desc(), pauses.c.id).limit(limit)
    return [_pause(row) for row in connection.execute(query)]


def of(connection: Connection, pause_id: str) -> Pause | None:
    """One pause."""
    row = connection.execute(select(*_COLUMNS).where(pauses.c.id == pause_id)).first()
    return None if row is None else _pause(row)


def begin(unit: Unit, pause: Pause) -> None:
    """Add it. A governance entry has to follow."""
    row = _row(pause)
    unit.connection.execute(pauses.insert().values(**row, untold=BEGINNING))
    changes.note(unit, GOVERNANCE, "pauses", [pause.id], row)


def end(unit: Unit, pause: Pause) -> None:
    """It holds no longer; `pause` says who ended it. A governance entry has to follow."""
    ended = {name: value for name, value in _row(pause).items() if name.startswith("ended_")}
    of_it = pauses.c.id == pause.id
    unit.connection.execute(update(pauses).where(of_it).values(**ended, untold=END))
    changes.note(unit, GOVERNANCE, "pauses", [pause.id], ended)


def untold(connection: Connection, *, limit: int) -> list[PauseId]:
    """Pauses of which those who look at their requests do not know how they stand."""
    query = select(pauses.c.id).where(pauses.c.untold > 0).limit(limit)
    return [PauseId(row[0]) for row in connection.execute(query)]


def to_tell(connection: Connection, pause_id: str) -> int:
    """What is not told yet of a pause; 0 if all is."""
    return connection.execute(select(pauses.c.untold).where(pauses.c.id == pause_id)).scalar() or 0


def told(connection: Connection, pause_id: str, what: int) -> None:
    """It is told, unless there is something newer to tell."""
    of_it = and_(pauses.c.id == pause_id, pauses.c.untold == what)
    connection.execute(update(pauses).where(of_it).values(untold=0))


def open_requests(
    connection: Connection,
    scope: PauseScope,
    domains: Domains,
    after: tuple[str, str, str],
    *,
    limit: int,
) -> list[tuple[tuple[str, str, str], RequestId]]:
    """Requests in a scope that wait for people or to be run, each with its place in the order."""
    place = requests.c.status, requests.c.created_at, requests.c.id
    query = (
        select(*place)
        .join(sessions, sessions.c.id == requests.c.session_id)
        .where(requests.c.status.in_(_OPEN), _after(place, after), *_in(scope, domains))
        .order_by(*place)
        .limit(limit)
    )
    return [((r[0], r[1], r[2]), RequestId(r[2])) for r in connection.execute(query)]


def _in(scope: PauseScope, domains: Domains) -> list[ColumnElement[bool]]:
    """`rules.pausing.is_in`, for a query."""
    columns = {
        PauseKind.TOOL: requests.c.tool,
        PauseKind.WORKFLOW: sessions.c.workflow,
        PauseKind.AGENT: requests.c.agent,
    }
    if scope.kind is PauseKind.DOMAIN:
        domain = domains.get(scope.name, Domain())
        tools, workflows = sorted(domain.tools), sorted(domain.workflows)
        return [or_(requests.c.tool.in_(tools), sessions.c.workflow.in_(workflows))]
    return [] if scope.kind is PauseKind.ALL else [columns[scope.kind] == scope.name]


def _after(place: Sequence[ColumnElement[Any]], after: tuple[str, str, str]) -> ColumnElement[bool]:
    status, at, own = place
    return or_(
        status > after[0],
        and_(status == after[0], or_(at > after[1], and_(at == after[1], own > after[2]))),
    )


def _row(pause: Pause) -> dict[str, Any]:
    return {
        "id": pause.id,
        "kind": pause.scope.kind.value,
        "name": pause.scope.name,
        "reason": pause.reason,
        "by": pause.by,
        "by_name": pause.by_name,
        "via": str(pause.via),
        "at": codec.to_text(pause.at),
        "ended_at": None if pause.ended_at is None else codec.to_text(pause.ended_at),
        "ended_by": pause.ended_by,
        "ended_by_name": pause.ended_by_name,
        "ended_via": None if pause.ended_via is None else str(pause.ended_via),
    }


def _pause(row: Row[Any] | Sequence[Any]) -> Pause:
    m = dict(zip(_NAMES, row, strict=True))
    m["scope"] = {"kind": m.pop("kind"), "name": m.pop("name")}
    for name in ("at", "ended_at"):
        m[name] = None if m[name] is None else codec.from_text(m[name])
    return Pause.model_validate(m)


_OPEN = (RequestStatus.APPROVED.value, RequestStatus.PENDING.value)
_COLUMNS = [column for column in pauses.c if column.name != "untold"]
_NAMES = [column.name for column in _COLUMNS]
_ACTIVE = Prepared(
    select(*_COLUMNS).where(pauses.c.ended_at.is_(None)).order_by(pauses.c.at, pauses.c.id)
)
ANY_ACTIVE = select(pauses.c.id).where(pauses.c.ended_at.is_(None)).exists()
"""Whether anything is paused."""
_SHARED = Prepared(select(func.pg_advisory_xact_lock_shared(_LOCK_KEY)))
