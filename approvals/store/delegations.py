"""Queries on delegations that people give by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.models import DelegationId, GivenDelegation
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec, governance
from countersign.approvals.store.schema import delegations

_D = delegations.c
_LOCK_KEY = 0xDE1E6
"""Of PostgreSQL's advisory lock: two people who give at once make no circle."""
_TIMES = ("starts_at", "ends_at", "at", "revoked_at")


def lock(unit: Unit) -> None:
    """Let nobody else give or revoke one before the transaction has ended."""
    governance.lock(unit.connection, _LOCK_KEY)


def revision(connection: Connection) -> int:
    """Another one whenever one was given or revoked: rows stay for ever."""
    return int(connection.execute(select(REVISION)).scalar_one())


def standing(connection: Connection) -> list[GivenDelegation]:
    """All that were not revoked, also those that have ended: what was decided by them stands."""
    query = select(*_COLUMNS).where(_D.revoked_at.is_(None)).order_by(_D.at, _D.id)
    return [_given(row) for row in connection.execute(query)]


def page(connection: Connection, *, limit: int, ended: datetime | None) -> list[GivenDelegation]:
    """Delegations, newest first; those that end after `ended` and are not revoked, if given."""
    query = select(*_COLUMNS).order_by(_D.at.desc(), _D.id).limit(limit)
    if ended is not None:
        query = query.where(_D.revoked_at.is_(None), _D.ends_at > codec.to_text(ended))
    return [_given(row) for row in connection.execute(query)]


def open_of(connection: Connection, giver: str, now: datetime) -> list[GivenDelegation]:
    """Those of one person that hold or will."""
    held = _D.revoked_at.is_(None), _D.ends_at > codec.to_text(now)
    return [
        _given(r) for r in connection.execute(select(*_COLUMNS).where(_D.giver == giver, *held))
    ]


def of(connection: Connection, delegation_id: str) -> GivenDelegation | None:
    """One of them."""
    row = connection.execute(select(*_COLUMNS).where(_D.id == delegation_id)).first()
    return None if row is None else _given(row)


def add(unit: Unit, given: GivenDelegation) -> None:
    """Add it. A governance entry has to follow."""
    row = _row(given)
    unit.connection.execute(delegations.insert().values(**row, untold=1))
    changes.note(unit, GOVERNANCE, "delegations", [given.id], row)


def revoke(unit: Unit, given: GivenDelegation) -> None:
    """It holds no longer; `given` says who revoked it. A governance entry has to follow."""
    columns = {name: value for name, value in _row(given).items() if name.startswith("revoked_")}
    of_it = _D.id == given.id
    unit.connection.execute(update(delegations).where(of_it).values(**columns, untold=0))
    changes.note(unit, GOVERNANCE, "delegations", [given.id], columns)


def untold(connection: Connection, now: datetime, *, limit: int) -> list[DelegationId]:
    """Those that have begun and whose delegates were not shown what waits."""
    query = select(_D.id).where(_D.untold > 0, _D.starts_at <= codec.to_text(now)).limit(limit)
    return [DelegationId(row[0]) for row in connection.execute(query)]


def told(connection: Connection, delegation_id: str) -> None:
    """Their delegate was shown what waits."""
    connection.execute(update(delegations).where(_D.id == delegation_id).values(untold=0))


def _row(given: GivenDelegation) -> dict[str, Any]:
    row = given.model_dump(mode="json")
    for name in _TIMES:
        at = getattr(given, name)
        row[name] = None if at is None else codec.to_text(at)
    row["roles"] = codec.dumps(row["roles"])
    return row


def _given(row: Row[Any] | Sequence[Any]) -> GivenDelegation:
    m = dict(zip(_NAMES, row, strict=True))
    for name in _TIMES:
        m[name] = None if m[name] is None else codec.from_text(m[name])
    m["roles"] = codec.loads(m["roles"])
    return GivenDelegation.model_validate(m)


REVISION = func.count(_D.id) + func.count(_D.revoked_at)
"""See `revision`."""
_COLUMNS = [column for column in _D if column.name != "untold"]
_NAMES = [column.name for column in _COLUMNS]
