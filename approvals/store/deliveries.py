"""Queries on deliveries."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.errors import NotFoundError
from countersign.approvals.models import (
    Conversation,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    JsonObject,
    Request,
    RequestId,
    RequestStatus,
)
from countersign.approvals.ports import Unit
from countersign.approvals.store import changes, codec
from countersign.approvals.store.dialects import postgresql
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import deliveries, notices, reminders, requests


def add(
    connection: Connection,
    *,
    delivery_id: DeliveryId,
    request_id: RequestId,
    channel: str,
    target: str,
    now: datetime,
    reference: JsonObject | None = None,
) -> bool:
    """Plan a delivery, once per request, channel and target; False if it was planned before."""
    values = {
        "id": delivery_id,
        "request_id": request_id,
        "channel": channel,
        "target": target,
        "status": (DeliveryStatus.PENDING if reference is None else DeliveryStatus.LIVE).value,
        "reference": None if reference is None else codec.dumps(reference),
        "next_at": codec.to_text(now),
    }
    return _ADD.run(connection, **values) == 1


def own_target(reference: JsonObject) -> str:
    """The target of a message that stands for itself: `card:` and a hash of its reference."""
    return f"card:{sha256_hex(codec.dumps(reference).encode())[:32]}"


def make_room(unit: Unit, request: Request, channel: str, target: str) -> None:
    """Let the request be shown once more at a target; what is shown there has its own from now on.

    A ledger entry of the session has to follow.
    """
    for known in of_request(unit.connection, request.id):
        if (known.channel, known.target) == (channel, target) and known.reference is not None:
            columns = {"target": own_target(known.reference)}
            record(unit.connection, known.id, **columns)
            changes.note(unit, request.session_id, "deliveries", [known.id], columns)


def get(connection: Connection, delivery_id: str, *, lock: bool = False) -> Delivery:
    """The delivery; `lock` it to write what depends on it. Raises NotFoundError."""
    row = (_LOCKED if lock else _GET).first(connection, of=delivery_id)
    if row is None:
        raise NotFoundError(f"There is no delivery {delivery_id}.")
    return codec.delivery(row)


def of_request(connection: Connection, request_id: str) -> list[Delivery]:
    """Where a request is shown."""
    return [codec.delivery(row) for row in _OF_REQUEST.all(connection, of=request_id)]


def of_requests(connection: Connection, request_ids: Sequence[str]) -> list[Delivery]:
    """Where these requests, at most a few hundred, are shown."""
    query = (
        select(deliveries).where(deliveries.c.request_id.in_(request_ids)).order_by(deliveries.c.id)
    )
    return [codec.delivery(row) for row in connection.execute(query)]


def due(connection: Connection, now: datetime, *, limit: int) -> list[DeliveryId]:
    """Deliveries to make or update at `now`, the longest due first."""
    rows = _DUE.all(connection, now=codec.to_text(now), most=limit)
    return [DeliveryId(row[0]) for row in rows]


def failing(connection: Connection, *, limit: int) -> list[Delivery]:
    """Deliveries that are tried again because they have failed, the longest due first; it reads
    what is due or planned, not what is done."""
    query = (
        select(deliveries)
        .where(deliveries.c.next_at.is_not(None), deliveries.c.error.is_not(None))
        .order_by(deliveries.c.next_at)
        .limit(limit)
    )
    return [codec.delivery(row) for row in connection.execute(query)]


def touch(connection: Connection, request_ids: Sequence[str], at: datetime) -> list[DeliveryId]:
    """These requests, at most a few hundred, have changed: every delivery of them is due for an
    update at `at`. Returns their ids.

    One that has not been posted yet, or whose place cannot be reached, keeps its time: it may be
    on its way right now, and it will show the newest state whenever it is sent.
    """
    if len(request_ids) == 1:
        (request_id,) = request_ids
        if _TOUCH.run(connection, of=request_id, at=codec.to_text(at)) == 0:
            return []
        return [row[0] for row in _IDS.all(connection, of=request_id)]
    if not request_ids:
        return []
    mine = deliveries.c.request_id.in_(request_ids)
    values = {"at": codec.to_text(at)}
    connection.execute(update(deliveries).where(mine, _reachable).values(_due_again), values)
    query = select(deliveries.c.id).where(mine).order_by(deliveries.c.id)
    return [row[0] for row in connection.execute(query)]


def unshown(connection: Connection, request_ids: Sequence[RequestId]) -> set[RequestId]:
    """Those of these requests, at most a few hundred, that are shown nowhere."""
    query = select(deliveries.c.request_id).where(deliveries.c.request_id.in_(request_ids))
    return set(request_ids) - {row[0] for row in connection.execute(query.distinct())}


def record(connection: Connection, delivery_id: str, **values: Any) -> None:
    """Write what became of an attempt."""
    _recording(tuple(values)).run(connection, of=delivery_id, **values)


def free_attempts(connection: Connection, *, now: datetime) -> int:
    """Make due what was under way: for a start-up at which no other process can be sending.

    What failed keeps its time.
    """
    return sum(
        connection.execute(
            update(table).where(*_under_way(table, now)).values(next_at=codec.to_text(now))
        ).rowcount
        for table in (deliveries, notices, reminders)
    )


def _under_way(table: Table, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """An attempt under way has no error yet; what failed has one."""
    return (
        table.c.next_at > codec.to_text(now),
        table.c.attempts > 0,
        table.c.error.is_(None),
    )


def revive(
    connection: Connection, conversation: Conversation, now: datetime, *, moved: bool
) -> list[DeliveryId]:
    """It is known (again) how to write to `conversation`: make due what waits for that.

    What is on its way right now is not sent by another server as well: it is tried again after
    that, whatever comes of it. If the conversation has `moved`, what failed at the old address is
    due again as well, also what seemed to be gone there.
    """
    under_way = and_(*_under_way(deliveries, now))
    where = _waiting_for(conversation, under_way, moved=moved)
    rows = connection.execute(select(deliveries).where(*where))
    found = [codec.delivery(row) for row in rows]
    mine = [d.id for d in found if not d.target.startswith(_CARD) or _stands_in(d, conversation)]
    if mine:
        is_held = deliveries.c.status.in_(_HELD)
        again = case((deliveries.c.reference.is_(None), _PENDING), else_=_LIVE)
        values = {
            "wanted_version": deliveries.c.wanted_version + case((under_way, 1), else_=0),
            "status": case((is_held, again), else_=deliveries.c.status),
            "next_at": case((under_way, deliveries.c.next_at), else_=codec.to_text(now)),
            "attempts": case((under_way, deliveries.c.attempts), else_=0),
        }
        connection.execute(update(deliveries).where(deliveries.c.id.in_(mine)).values(values))
    return mine


def _waiting_for(
    conversation: Conversation, under_way: ColumnElement[bool], *, moved: bool
) -> tuple[ColumnElement[bool], ...]:
    targets = [f"conversation:{conversation.key}"]
    if conversation.kind == "personal" and conversation.principal_id is not None:
        targets.append(f"person:{conversation.principal_id}")
    is_card = and_(deliveries.c.target >= _CARD, deliveries.c.target < "card;")  # by the index
    status = deliveries.c.status
    waits = or_(status.in_((_PENDING, _UNREACHABLE)), under_way)
    if moved:
        failed = and_(deliveries.c.next_at.is_not(None), deliveries.c.attempts > 0)
        waits = or_(waits, status == _ABANDONED, failed)
    return (
        deliveries.c.channel == conversation.channel,
        or_(deliveries.c.target.in_(targets), is_card),
        waits,
    )


def _stands_in(delivery: Delivery, conversation: Conversation) -> bool:
    """Whether a card that was adopted is in this conversation."""
    reference = delivery.reference or {}
    chat = reference.get("conversation")
    chat_id = chat.get("id") if isinstance(chat, dict) else None
    return conversation.key == f"{reference.get('channelId')}:{chat_id}"


def out_of_reach(connection: Connection) -> dict[str, int]:
    """Why open requests cannot be shown to those they are for, and how many that concerns."""
    query = (
        select(deliveries.c.error, func.count())
        .join(requests, requests.c.id == deliveries.c.request_id)
        .where(deliveries.c.status == _UNREACHABLE, requests.c.status == RequestStatus.PENDING)
        .group_by(deliveries.c.error)
        .order_by(deliveries.c.error)
    )
    return {str(error): int(count) for error, count in connection.execute(query)}


def look_again(connection: Connection, channel: str, target: str, now: datetime) -> Sequence[str]:
    """Make due what can be decided at a target, because something says that it is not there; an
    attempt that is under way is followed by another one."""
    mine = (
        deliveries.c.channel == channel,
        deliveries.c.target == target,
        deliveries.c.status.in_((_PENDING, _LIVE)),
    )
    query = select(deliveries.c.id).where(*mine).order_by(deliveries.c.id).with_for_update()
    found = [row[0] for row in connection.execute(query)]
    values = {"wanted_version": deliveries.c.wanted_version + 1, "next_at": codec.to_text(now)}
    connection.execute(update(deliveries).where(deliveries.c.id.in_(found)).values(values))
    return found


def _adding(dialect: Any) -> Any:
    columns = ("id", "request_id", "channel", "target", "status", "reference", "next_at")
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    start = {"shown_version": 0, "wanted_version": 1, "attempts": 0}
    return dialect.insert(deliveries).values(values | start).on_conflict_do_nothing()


@functools.cache
def _recording(columns: tuple[str, ...]) -> Prepared:
    values: Mapping[str, Any] = {name: bindparam(name) for name in columns}
    return Prepared(update(deliveries).where(_this).values(values))


_CARD = "card:"
_PENDING, _LIVE = DeliveryStatus.PENDING.value, DeliveryStatus.LIVE.value
_UNREACHABLE, _ABANDONED = DeliveryStatus.UNREACHABLE.value, DeliveryStatus.ABANDONED.value
_HELD = (_UNREACHABLE, _ABANDONED)
_this = deliveries.c.id == bindparam("of")
_GET = Prepared(select(deliveries).where(_this))
_LOCKED = Prepared(select(deliveries).where(_this).with_for_update())
_of = deliveries.c.request_id == bindparam("of")
_is_tried = and_(
    deliveries.c.attempts > 0, deliveries.c.error.is_(None), deliveries.c.reference.is_not(None)
)
_waits = or_(deliveries.c.status == _PENDING, deliveries.c.status == _UNREACHABLE)
_ADD = Prepared(_adding(sqlite), postgresql=lambda: _adding(postgresql()))
_OF_REQUEST = Prepared(select(deliveries).where(_of).order_by(deliveries.c.id))
_IDS = Prepared(select(deliveries.c.id).where(_of).order_by(deliveries.c.id))
_DUE = Prepared(
    select(deliveries.c.id)
    .where(deliveries.c.next_at <= bindparam("now"))
    .order_by(deliveries.c.next_at)
    .limit(bindparam("most"))
)
_reachable = deliveries.c.status != _ABANDONED
_due_again = {
    "wanted_version": deliveries.c.wanted_version + 1,
    "next_at": case((_waits, deliveries.c.next_at), else_=bindparam("at")),
    "attempts": case((_waits, deliveries.c.attempts), else_=0),
    # An attempt that is under way now is no longer to be seen after this: it may never end.
    "doubt_at": case((_is_tried, bindparam("at")), else_=deliveries.c.doubt_at),
}
_TOUCH = Prepared(update(deliveries).where(_of, _reachable).values(_due_again))
