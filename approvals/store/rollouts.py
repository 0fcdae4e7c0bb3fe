"""Queries on where rules stand, and on the calls that speak for another phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from countersign.approvals.audit.ledger import GOVERNANCE
from countersign.approvals.models import (
    Hindsight,
    RequestId,
    RequestStatus,
    RolloutStanding,
    Via,
)
from countersign.approvals.ports import Unit
from countersign.approvals.rules.rollout.evidence import NOBODY, Proposed
from countersign.approvals.store import changes, codec
from countersign.approvals.store.hindsights import hindsight_of
from countersign.approvals.store.schema import hindsights, requests, rollouts, sessions

LOOKED_AT = 1_000
"""So many calls of a phase are looked at, the newest."""
_BY_ID = 400
"""Ids in one query."""
_R, _Q = rollouts.c, requests.c


def standing(connection: Connection, rule_id: str, tool: str) -> RolloutStanding | None:
    """Where a rule was put for a tool last; None if nobody has moved it."""
    query = select(rollouts).where(_R.rule_id == rule_id, _R.tool == tool)
    row = connection.execute(query).mappings().first()
    return None if row is None else _standing(row)


def standings(connection: Connection) -> list[RolloutStanding]:
    """All that were moved."""
    rows = connection.execute(select(rollouts).order_by(_R.rule_id, _R.tool)).mappings()
    return [_standing(row) for row in rows]


def put(unit: Unit, moved: RolloutStanding) -> None:
    """Write where a rule stands now; the governance chain is locked. An entry there follows."""
    row = moved.model_dump(mode="json")
    row["since"] = codec.to_text(moved.since)
    mine = _R.rule_id == moved.rule_id, _R.tool == moved.tool
    if unit.connection.execute(update(rollouts).where(*mine).values(row)).rowcount == 0:
        unit.connection.execute(rollouts.insert().values(row))
    changes.note(unit, GOVERNANCE, rollouts.name, [moved.rule_id, moved.tool], row)


def proposed(connection: Connection, rule_id: str, tool: str, since: str) -> list[Proposed]:
    """The newest calls of a tool under a rule, proposed since then, that are not open any more."""
    query = (
        select(
            *(_Q.id, _Q.requester, _Q.created_at, _Q.seen, _Q.arguments),
            *(_Q.proposed_arguments, _Q.decision),
        )
        .where(_Q.rule_id == rule_id, _Q.seen.is_not(None), _Q.created_at >= since)
        .where(_Q.tool == tool, _Q.decision.is_not(None), _Q.canary.is_(None))
        .order_by(_Q.created_at.desc(), _Q.id.desc())
        .limit(LOOKED_AT)
    )
    rows = connection.execute(query).all()
    said, undone = _said(connection, [row.id for row in rows])
    return [
        Proposed(
            id=RequestId(row.id),
            requester=row.requester,
            created_at=codec.from_text(row.created_at),
            seen=codec.loads(row.seen),
            arguments=codec.loads(row.arguments),
            before=codec.object_or_none(row.proposed_arguments),
            decision=codec.loads(row.decision),
            hindsights=said.get(row.id, ()),
            undone=row.id in undone,
        )
        for row in rows
    ]


def _said(
    connection: Connection, ids: Sequence[str]
) -> tuple[Mapping[str, Sequence[Hindsight]], set[str]]:
    """What was said of these afterwards, and which of them were taken back."""
    said: dict[str, list[Hindsight]] = {}
    undone: set[str] = set()
    for first in range(0, len(ids), _BY_ID):
        some = ids[first : first + _BY_ID]
        query = select(hindsights).where(hindsights.c.request_id.in_(some))
        for row in connection.execute(query).mappings():
            said.setdefault(row["request_id"], []).append(hindsight_of(row))
        taken = select(sessions.c.undoes).where(sessions.c.undoes.in_(some))
        undone |= set(connection.execute(taken).scalars())
    return said, undone


def refused_by_people(connection: Connection, session_id: str, tool: str) -> bool:
    """Whether a person has refused a call of a tool in a session."""
    query = select(_Q.decision).where(
        _Q.session_id == session_id,
        _Q.tool == tool,
        _Q.status == RequestStatus.REJECTED.value,
        _Q.decision.is_not(None),
    )
    found = (codec.loads(text)["via"] for text in connection.execute(query).scalars())
    return any(Via(via) not in NOBODY for via in found)


def to_do_by_hand(connection: Connection, *, limit: int) -> list[RequestId]:
    """Calls in shadow of which nobody has said what they did, the oldest first."""
    said = select(hindsights.c.request_id).where(hindsights.c.request_id == _Q.id)
    query = (
        select(_Q.id)
        .where(_Q.status == RequestStatus.REJECTED.value, _Q.seen.is_not(None))
        .where(_Q.result.contains('"cause":"shadow"'), ~said.exists())
        .order_by(_Q.created_at, _Q.id)
        .limit(limit)
    )
    return [RequestId(id_) for id_ in connection.execute(query).scalars()]


def _standing(row: Mapping[Any, Any]) -> RolloutStanding:
    return RolloutStanding.model_validate({**row, "since": codec.from_text(row["since"])})
