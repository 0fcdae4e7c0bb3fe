"""Queries on grants and their uses."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import Grant, Request, Used
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.schema import grant_uses, grants
from countersign.approvals.store.tables import Row as Stored


def add(unit: Unit, grant: Grant) -> None:
    """Add it. A governance entry has to follow."""
    row = _row(grant)
    unit.connection.execute(grants.insert().values(row))
    changes.note(unit, GOVERNANCE, "grants", [grant.id], row)


def replace(unit: Unit, before: Grant, after: Grant) -> None:
    """Write what has changed of it. A governance entry has to follow."""
    was, now = _row(before), _row(after)
    changed = {name: value for name, value in now.items() if value != was[name]}
    unit.connection.execute(update(grants).where(grants.c.id == after.id).values(changed))
    changes.note(unit, GOVERNANCE, "grants", [after.id], changed)


def locked(unit: Unit, grant_id: str) -> Grant:
    """One grant, locked to be used or changed. Raises NotFoundError."""
    query = select(grants).where(grants.c.id == grant_id).with_for_update()
    row = unit.connection.execute(query).first()
    if row is None:
        raise _missing(grant_id)
    return _grant(row)


def stored(connection: Connection, grant_id: str) -> Stored:
    """The row of one, as it is. Raises NotFoundError."""
    found = connection.execute(select(grants).where(grants.c.id == grant_id)).mappings().first()
    if found is None:
        raise _missing(grant_id)
    return Stored("grants", (grant_id,), dict(found))


def on(unit: Unit, request_id: str) -> Grant | None:
    """The one that was given on a request and is not revoked, locked to be changed."""
    query = select(grants).where(
        grants.c.request_id == request_id, grants.c.step == 0, grants.c.revoked_at.is_(None)
    )
    row = unit.connection.execute(query.with_for_update()).first()
    return None if row is None else _grant(row)


def usable(connection: Connection, tools: Collection[str], now: str) -> list[tuple[Grant, Used]]:
    """Grants for these tools that may still cover a call, the oldest first."""
    query = (
        select(grants)
        .where(
            grants.c.tool.in_(tools),
            grants.c.revoked_at.is_(None),
            grants.c.complete == 1,
            or_(grants.c.expires_at.is_(None), grants.c.expires_at > now),
        )
        .order_by(grants.c.created_at, grants.c.id)
    )
    found = [_grant(row) for row in connection.execute(query)]
    return [(grant, used(connection, grant.id)) for grant in found]


def page(
    connection: Connection, *, limit: int, holding: str | None = None
) -> list[tuple[Grant, Used]]:
    """Grants, newest first, each with how far it is used; with `holding` those that are neither
    revoked nor over at this time."""
    query = select(grants).order_by(grants.c.created_at.desc(), grants.c.id).limit(limit)
    if holding is not None:
        later = or_(grants.c.expires_at.is_(None), grants.c.expires_at > holding)
        query = query.where(grants.c.revoked_at.is_(None), later)
    found = [_grant(row) for row in connection.execute(query)]
    return [(grant, used(connection, grant.id)) for grant in found]


def used(connection: Connection, grant_id: str) -> Used:
    """How far it is used."""
    query = (
        select(grant_uses.c.number, grant_uses.c.total)
        .where(grant_uses.c.grant_id == grant_id)
        .order_by(grant_uses.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return Used() if row is None else Used(uses=row.number, total=Decimal(row.total))


def use(unit: Unit, grant: Grant, after: Used, request: Request) -> None:
    """Count a use; the grant is locked. An entry of the session has to follow."""
    columns = {"request_id": request.id, "total": str(after.total), "at": codec.to_text(unit.now)}
    key = {"grant_id": grant.id, "number": after.uses}
    unit.connection.execute(grant_uses.insert().values(**key, **columns))
    changes.note(unit, request.session_id, "grant_uses", [grant.id, after.uses], {**key, **columns})


def _row(grant: Grant) -> dict[str, Any]:
    row = grant.model_dump(mode="json")
    for name in ("created_at", "expires_at", "revoked_at"):
        at = getattr(grant, name)
        row[name] = None if at is None else codec.to_text(at)
    row["same"], row["conditions"] = codec.dumps(row["same"]), codec.dumps(row.pop("when"))
    row["varying"] = codec.dumps(row["varying"])
    row["givers"], row["complete"] = codec.dumps(row["givers"]), int(grant.complete)
    return row


def _grant(row: Row[Any]) -> Grant:
    m = dict(row._mapping)
    for name in ("created_at", "expires_at", "revoked_at"):
        m[name] = None if m[name] is None else codec.from_text(m[name])
    m["same"], m["when"] = codec.loads(m["same"]), codec.loads(m.pop("conditions"))
    m["varying"] = codec.loads(m["varying"])
    m["givers"], m["complete"] = codec.loads(m["givers"]), bool(m["complete"])
    return Grant.model_validate(m)


def _missing(grant_id: str) -> NotFoundError:
    return NotFoundError(f"There is no grant {grant_id}.")
