"""Queries on legal holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.models import Hold, HoldKind
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec, governance
from countersign.approvals.store.belongings import Belongings
from countersign.approvals.store.schema import legal_holds

_LOCK_KEY = 0x401D
"""Of PostgreSQL's advisory lock: nobody archives or erases while a hold is placed."""


def lock(unit: Unit) -> None:
    """Let no hold be placed, and nothing be archived or erased, before this transaction ends."""
    governance.lock(unit.connection, _LOCK_KEY)


def active(connection: Connection) -> list[Hold]:
    """The holds that are in force, oldest first."""
    query = select(legal_holds).where(legal_holds.c.lifted_at.is_(None))
    rows = connection.execute(query.order_by(legal_holds.c.at, legal_holds.c.id))
    return [_hold(row) for row in rows]


def page(connection: Connection, *, limit: int) -> list[Hold]:
    """All holds, newest first, also those that were lifted."""
    query = select(legal_holds).order_by(legal_holds.c.at.desc(), legal_holds.c.id)
    return [_hold(row) for row in connection.execute(query.limit(limit))]


def of(connection: Connection, hold_id: str) -> Hold | None:
    """One hold."""
    row = connection.execute(select(legal_holds).where(legal_holds.c.id == hold_id)).first()
    return None if row is None else _hold(row)


def place(unit: Unit, hold: Hold) -> None:
    """Add it. A governance entry has to follow."""
    row = _row(hold)
    unit.connection.execute(legal_holds.insert().values(**row))
    changes.note(unit, GOVERNANCE, "legal_holds", [hold.id], row)


def lift(unit: Unit, hold: Hold) -> None:
    """It is in force no longer; `hold` says who lifted it. A governance entry has to follow."""
    lifted = {name: value for name, value in _row(hold).items() if name.startswith("lifted_")}
    unit.connection.execute(update(legal_holds).where(legal_holds.c.id == hold.id).values(**lifted))
    changes.note(unit, GOVERNANCE, "legal_holds", [hold.id], lifted)


def covering(found: Sequence[Hold], rows: Belongings) -> Hold | None:
    """The first hold that a session is under, by all rows of it.

    A person is named by any column that holds their id, and by any entry that says it: whoever has
    asked, voted, taken a vote back, been asked, answered or looked.
    """
    return next((hold for hold in found if _covers(hold, rows)), None)


def _covers(hold: Hold, rows: Belongings) -> bool:
    kind, name = hold.scope.kind, hold.scope.name
    if kind is HoldKind.SESSION:
        return any(row["id"] == name for row in rows["sessions"])
    if kind is HoldKind.TOOL:
        return any(row["tool"] == name for row in rows.get("requests", ()))
    quoted = codec.dumps(name)
    return any(
        value == name or (isinstance(value, str) and quoted in value)
        for some in rows.values()
        for row in some
        for value in row.values()
    )


def _row(hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.id,
        "kind": hold.scope.kind.value,
        "name": hold.scope.name,
        "reason": hold.reason,
        "by": hold.by,
        "by_name": hold.by_name,
        "via": str(hold.via),
        "at": codec.to_text(hold.at),
        "lifted_at": None if hold.lifted_at is None else codec.to_text(hold.lifted_at),
        "lifted_by": hold.lifted_by,
        "lifted_by_name": hold.lifted_by_name,
        "lifted_via": None if hold.lifted_via is None else str(hold.lifted_via),
        "lifted_reason": hold.lifted_reason,
    }


def _hold(row: Row[Any]) -> Hold:
    m = dict(row._mapping)
    m["scope"] = {"kind": m.pop("kind"), "name": m.pop("name")}
    for name in ("at", "lifted_at"):
        m[name] = None if m[name] is None else codec.from_text(m[name])
    return Hold.model_validate(m)
