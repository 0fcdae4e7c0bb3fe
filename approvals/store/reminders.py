"""Queries on reminders: messages on their way to where requests are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, literal_column, select, update

from countersign.approvals.models import Delivery, DeliveryId, RequestId, RequestStatus, Value
from countersign.approvals.ports import Unit
from countersign.approvals.store import codec
from countersign.approvals.store.prepared import Prepared
from countersign.approvals.store.schema import reminders, requests

_PENDING = requests.c.status == literal_column(f"'{RequestStatus.PENDING.value}'")
"""Written out, as the index has it."""


class PlannedReminder(Value):
    """One message to one place, not sent yet."""

    delivery_id: DeliveryId
    number: int
    """Of all messages about its request."""
    escalated: bool
    """Whether it says that others may decide, too."""
    next_at: datetime
    attempts: int


def with_steps(connection: Connection, now: datetime, *, limit: int) -> list[RequestId]:
    """Pending requests of which people are to be reminded, or others asked, at `now`, the longest
    due first."""
    rows = _WITH_STEPS.all(connection, now=codec.to_text(now), most=limit)
    return [RequestId(row[0]) for row in rows]


def reminder_id(delivery_id: DeliveryId, number: int) -> str:
    """By which a doorbell names it."""
    return f"{delivery_id}/{number}"


def delivery_of(reminder: str) -> str:
    """The delivery that a reminder is beneath."""
    return reminder.partition("/")[0]


def add(unit: Unit, delivery: Delivery, number: int, *, escalated: bool) -> None:
    """Plan one for now."""
    values = {
        "delivery_id": delivery.id,
        "number": number,
        "escalated": int(escalated),
        "next_at": codec.to_text(unit.now),
        "attempts": 0,
    }
    unit.connection.execute(reminders.insert().values(values))


def due(connection: Connection, now: datetime, *, limit: int) -> list[str]:
    """The ids of those to be sent at `now`, the longest due first."""
    rows = _DUE.all(connection, now=codec.to_text(now), most=limit)
    return [reminder_id(DeliveryId(row[0]), row[1]) for row in rows]


def get(connection: Connection, reminder: str) -> PlannedReminder | None:
    """It, locked; None if it was sent or dropped."""
    query = select(reminders).where(*_this(reminder)).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return PlannedReminder(
        delivery_id=row["delivery_id"],
        number=row["number"],
        escalated=bool(row["escalated"]),
        next_at=codec.from_text(row["next_at"]),
        attempts=row["attempts"],
    )


def later(connection: Connection, reminder: str, next_at: datetime, **values: Any) -> None:
    """Send it then."""
    values["next_at"] = codec.to_text(next_at)
    connection.execute(update(reminders).where(*_this(reminder)).values(values))


def drop(connection: Connection, reminder: str) -> None:
    """It was sent, or is not wanted any more."""
    connection.execute(delete(reminders).where(*_this(reminder)))


def _this(reminder: str) -> tuple[Any, Any]:
    delivery_id, _, number = reminder.partition("/")
    return reminders.c.delivery_id == delivery_id, reminders.c.number == int(number)


_WITH_STEPS = Prepared(
    select(requests.c.id)
    .where(_PENDING, requests.c.next_step_at <= bindparam("now"))
    .order_by(requests.c.next_step_at)
    .limit(bindparam("most"))
)
_DUE = Prepared(
    select(reminders.c.delivery_id, reminders.c.number)
    .where(reminders.c.next_at <= bindparam("now"))
    .order_by(reminders.c.next_at)
    .limit(bindparam("most"))
)
