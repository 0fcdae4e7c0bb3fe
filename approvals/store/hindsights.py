"""Queries on what people put on record of calls afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from countersign.approvals.models import Hindsight, RequestId
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.schema import hindsights

_H = hindsights.c


def add(unit: Unit, hindsight: Hindsight, session_id: str) -> None:
    """Add it; the key refuses a second one of its kind. An entry about the request follows."""
    row = hindsight.model_dump(mode="json")
    row["at"] = codec.to_text(hindsight.at)
    row["arguments"] = None if hindsight.arguments is None else codec.dumps(hindsight.arguments)
    row["agrees"] = None if hindsight.agrees is None else int(hindsight.agrees)
    row["differs"] = codec.dumps(list(hindsight.differs))
    unit.connection.execute(hindsights.insert().values(row))
    key: list[str | int] = [hindsight.request_id, hindsight.kind.value]
    changes.note(unit, session_id, hindsights.name, key, row)


def of_request(connection: Connection, request_id: str) -> list[Hindsight]:
    """Those of one request, oldest first."""
    query = select(hindsights).where(_H.request_id == request_id).order_by(_H.at, _H.kind)
    return [hindsight_of(row) for row in connection.execute(query).mappings()]


def of_requests(
    connection: Connection, request_ids: Sequence[RequestId]
) -> Mapping[RequestId, Sequence[Hindsight]]:
    """`of_request` for each of these, a page at most."""
    query = select(hindsights).where(_H.request_id.in_(request_ids)).order_by(_H.at, _H.kind)
    found = [hindsight_of(row) for row in connection.execute(query).mappings()]
    return {of: [each for each in found if each.request_id == of] for of in request_ids}


def hindsight_of(row: Mapping[Any, Any]) -> Hindsight:
    """What a row says."""
    m = dict(row)
    m["at"] = codec.from_text(m["at"])
    m["arguments"] = None if m["arguments"] is None else codec.loads(m["arguments"])
    m["agrees"] = None if m["agrees"] is None else bool(m["agrees"])
    m["differs"] = codec.loads(m["differs"])
    return Hindsight.model_validate(m)
