"""Queries on tickets: which delivery they are, what people did in them, how far we have read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from countersign.approvals.models import (
    Delivery,
    DeliveryId,
    DeliveryStatus,
    RequestStatus,
)
from countersign.approvals.store import codec
from countersign.approvals.store.dialects import dialect_of
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import (
    deliveries,
    polls,
    requests,
    ticket_acts,
)
from countersign.approvals.tickets import ActKey, PollState, RecordedAct

LOST = "lost"
"""The act as which a ticket that has vanished is recorded."""
IMPOSTOR = "impostor"
"""The act as which a ticket is recorded that carries an order of ours and is somebody else's."""
_DUE_READS = Prepared(
    select(deliveries.c.id)
    .where(deliveries.c.look_at <= bindparam("now"))
    .order_by(deliveries.c.look_at)
    .limit(bindparam("most"))
)
_DUE_POLLS = Prepared(select(polls.c.channel).where(polls.c.next_at <= bindparam("now")))


def delivery_of(connection: Connection, channel: str, ticket_id: str) -> Delivery | None:
    """The delivery that this ticket is; None for a ticket that is not ours."""
    return next(iter(deliveries_in(connection, channel, ticket_id)), None)


def deliveries_in(connection: Connection, channel: str, ticket_id: str) -> list[Delivery]:
    """The deliveries that this ticket shows: several, in no order, where it asks about several
    calls; none for a ticket that is not ours."""
    query = select(deliveries).where(
        deliveries.c.channel == channel, deliveries.c.ticket_id == ticket_id
    )
    return [codec.delivery(row) for row in connection.execute(query)]


def by_key(connection: Connection, channel: str, request_id: str, target: str) -> Delivery | None:
    """The delivery that an order belongs to."""
    query = select(deliveries).where(
        deliveries.c.request_id == request_id,
        deliveries.c.channel == channel,
        deliveries.c.target == target,
    )
    row = connection.execute(query).first()
    return None if row is None else codec.delivery(row)


def awaited(connection: Connection, channel: str, ticket_ids: Sequence[str]) -> list[Delivery]:
    """Of these tickets, at most a few hundred, those in which somebody can still decide."""
    query = select(deliveries).where(deliveries.c.ticket_id.in_(ticket_ids))
    return [codec.delivery(row) for row in connection.execute(_awaited(query, channel))]


def awaited_after(
    connection: Connection, channel: str, ticket_id: str, *, limit: int
) -> list[tuple[str, DeliveryId]]:
    """Tickets in which somebody can still decide, with their deliveries, by ticket id."""
    query = (
        _awaited(select(deliveries.c.ticket_id, deliveries.c.id), channel)
        .where(deliveries.c.ticket_id > ticket_id)
        .order_by(deliveries.c.ticket_id)
        .limit(limit)
    )
    return [(row[0], DeliveryId(row[1])) for row in connection.execute(query)]


def _awaited(query: Select[Any], channel: str) -> Select[Any]:
    return query.join(requests, requests.c.id == deliveries.c.request_id).where(
        requests.c.status == RequestStatus.PENDING.value,
        deliveries.c.channel == channel,
        deliveries.c.status == DeliveryStatus.LIVE.value,
        deliveries.c.ticket_id.is_not(None),
    )


def plan_read(connection: Connection, delivery_id: str, at: datetime | None) -> None:
    """Plan to read the ticket at `at`; None when it has been read."""
    when = None if at is None else codec.to_text(at)
    connection.execute(
        update(deliveries).where(deliveries.c.id == delivery_id).values(look_at=when)
    )


def was_read(connection: Connection, delivery_id: str, planned: datetime) -> None:
    """The ticket has been read: forget the look that was `planned`, and no other."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.look_at == codec.to_text(planned))
        .values(look_at=None)
    )


def due_reads(connection: Connection, now: datetime, *, limit: int) -> list[DeliveryId]:
    """Deliveries whose ticket is to be read, the longest due first."""
    rows = _DUE_READS.all(connection, now=codec.to_text(now), most=limit)
    return [DeliveryId(row[0]) for row in rows]


def record_act(
    connection: Connection, key: ActKey, request_id: str, reason: str, now: datetime
) -> bool:
    """Keep what became of an act; False, and nothing is changed, if it is known already."""
    values = {
        **_key_columns(key),
        "request_id": request_id,
        "reason": reason,
        "answered": 0,
        "at": codec.to_text(now),
    }
    dialect = dialect_of(connection)
    query = dialect.insert(ticket_acts).values(values).on_conflict_do_nothing()
    done = connection.execute(query.execution_options(preserve_rowcount=True))
    return done.rowcount == 1


def act(connection: Connection, key: ActKey) -> RecordedAct | None:
    """What became of an act."""
    row = connection.execute(select(ticket_acts).where(*_where(key))).first()
    return None if row is None else _act(row)


def acts_of(connection: Connection, channel: str, ticket_id: str) -> list[RecordedAct]:
    """What people did in a ticket, in the order we learnt of it."""
    query = (
        select(ticket_acts)
        .where(ticket_acts.c.channel == channel, ticket_acts.c.ticket_id == ticket_id)
        .order_by(ticket_acts.c.at, ticket_acts.c.act_id)
    )
    return [_act(row) for row in connection.execute(query)]


def count_lost(connection: Connection, channel: str, request_id: str) -> int:
    """How many tickets of a request have vanished."""
    query = (
        select(func.count())
        .select_from(ticket_acts)
        .where(
            ticket_acts.c.channel == channel,
            ticket_acts.c.request_id == request_id,
            or_(ticket_acts.c.act_id == LOST, ticket_acts.c.act_id.startswith(f"{LOST}#call:")),
        )
    )
    return int(connection.execute(query).scalar_one())


def tickets_with(connection: Connection, channel: str, request_id: str, act_id: str) -> set[str]:
    """Ids of the tickets in which this act is on record for a request."""
    query = select(ticket_acts.c.ticket_id).where(
        ticket_acts.c.channel == channel,
        ticket_acts.c.request_id == request_id,
        ticket_acts.c.act_id == act_id,
    )
    return {str(row[0]) for row in connection.execute(query)}


def answer(connection: Connection, keys: Iterable[ActKey]) -> None:
    """The ticket has been told what became of these acts."""
    for key in keys:
        connection.execute(update(ticket_acts).where(*_where(key)).values(answered=1))


def plan_poll(connection: Connection, channel: str, now: datetime) -> None:
    """Poll this system from `now` on, and all of it first."""
    dialect = dialect_of(connection)
    values = {"channel": channel, "next_at": codec.to_text(now), "failures": 0}
    query = dialect.insert(polls).values(values)
    again = {"next_at": values["next_at"], "swept_at": None}
    connection.execute(query.on_conflict_do_update(index_elements=["channel"], set_=again))


def forget_polls(connection: Connection, *, keep: Iterable[str]) -> None:
    """Do not poll any other system than these."""
    connection.execute(delete(polls).where(polls.c.channel.not_in(list(keep))))


def due_polls(connection: Connection, now: datetime) -> list[str]:
    """Systems to be polled."""
    return [row[0] for row in _DUE_POLLS.all(connection, now=codec.to_text(now))]


def poll_state(connection: Connection, channel: str, *, lock: bool = False) -> PollState | None:
    """How far a system has been read; `lock` it to read further."""
    query = select(polls).where(polls.c.channel == channel)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    m = dict(row._mapping)
    for name in ("polled_at", "swept_at", "next_at"):
        m[name] = None if m[name] is None else codec.from_text(m[name])
    return PollState.model_validate(m)


def save_poll(connection: Connection, state: PollState) -> None:
    """Write how far a system has been read."""
    values = state.model_dump(exclude={"channel"})
    for name in ("polled_at", "swept_at", "next_at"):
        values[name] = None if values[name] is None else codec.to_text(values[name])
    connection.execute(update(polls).where(polls.c.channel == state.channel).values(values))


def _key_columns(key: ActKey) -> dict[str, str]:
    return {"channel": key.channel, "ticket_id": key.ticket_id, "act_id": key.act_id}


def _where(key: ActKey) -> tuple[ColumnElement[bool], ...]:
    return (
        ticket_acts.c.channel == key.channel,
        ticket_acts.c.ticket_id == key.ticket_id,
        ticket_acts.c.act_id == key.act_id,
    )


def _act(row: Row[tuple[object, ...]]) -> RecordedAct:
    m = row._mapping
    key = ActKey(channel=m["channel"], ticket_id=m["ticket_id"], act_id=m["act_id"])
    return RecordedAct(
        key=key, request_id=m["request_id"], reason=m["reason"], answered=bool(m["answered"])
    )
