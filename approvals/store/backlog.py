"""Backlog: how much waits, and for how long, in the whole database.

One pass over what is open. With a million pending requests that takes seconds, so the caller reads
it rarely and keeps it (`bot.observability.backlog`); nothing here is on the way of a request.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, Connection, Table, and_, case, func, select

from countersign.approvals.models import (
    DeliveryStatus,
    RequestStatus,
    SessionStatus,
    Value,
)
from countersign.approvals.store import codec
from countersign.approvals.store.schema import (
    conversations,
    deliveries,
    notices,
    polls,
    reminders,
    requests,
    sessions,
)

AGES: tuple[tuple[str, timedelta], ...] = (
    ("5m", timedelta(minutes=5)),
    ("1h", timedelta(hours=1)),
    ("8h", timedelta(hours=8)),
    ("1d", timedelta(days=1)),
    ("7d", timedelta(days=7)),
)
"""Upper bounds of the age of what is pending; the rest is older."""
OLDER = "older"


class Pending(Value):
    """What waits for people under one rule."""

    rule: str
    count: int
    oldest_at: datetime
    by_age: dict[str, int]
    """Requests by the smallest bound of AGES that they are younger than."""


class Backlog(Value):
    """What one channel has not been shown yet."""

    channel: str
    count: int
    failing: int
    """Of these, how many were tried in vain."""
    unreachable: int = 0
    """Of these, how many wait until the people they are for can be reached."""
    next_at: datetime
    """When the first of them is due, or was."""


class Poll(Value):
    """How far a ticket system has been read."""

    system: str
    polled_at: datetime | None
    failures: int
    """In a row."""


class Figures(Value):
    """The state of everything that is open, at one moment."""

    at: datetime
    pending: tuple[Pending, ...]
    requests: dict[str, int]
    """Those that are executing and in doubt, by status."""
    sessions: dict[str, int]
    """Those that can go on, by status."""
    parked: int
    """Sessions that could not go on and are tried again, because a model cannot be reached."""
    backlogs: tuple[Backlog, ...]
    closed: dict[str, int]
    """Conversations that refuse us until people undo that, by channel."""
    notices: int
    """Texts that have not been posted yet."""
    due_at: dict[str, datetime]
    """When the longest due job of each kind was due."""
    polls: tuple[Poll, ...]


def read(connection: Connection, now: datetime) -> Figures:
    """Count what is open at `now`."""
    text = codec.to_text(now)
    open_notices = select(func.count()).where(notices.c.next_at.is_not(None))
    parked = select(func.count()).where(sessions.c.next_at.is_not(None), sessions.c.attempts > 0)
    unsettled = (RequestStatus.EXECUTING, RequestStatus.IN_DOUBT)
    live = (SessionStatus.RUNNING, SessionStatus.WAITING)
    return Figures(
        at=now,
        pending=_pending(connection, now),
        requests=_by_status(connection, requests, [s.value for s in unsettled]),
        sessions=_by_status(connection, sessions, [s.value for s in live]),
        parked=connection.execute(parked).scalar_one(),
        backlogs=_backlogs(connection),
        closed=_closed(connection),
        notices=connection.execute(open_notices).scalar_one(),
        due_at=_due_at(connection, text),
        polls=_polls(connection),
    )


def _pending(connection: Connection, now: datetime) -> tuple[Pending, ...]:
    created = requests.c.created_at
    younger = [func.sum(case((created > codec.to_text(now - age), 1), else_=0)) for _, age in AGES]
    query = (
        select(requests.c.rule_id, func.count(), func.min(created), *younger)
        .where(requests.c.status == RequestStatus.PENDING.value)
        .group_by(requests.c.rule_id)
        .order_by(requests.c.rule_id)
    )
    found = []
    for rule, count, oldest, *within in connection.execute(query):
        bounds = [0, *map(int, within), count]
        names = [*(name for name, _ in AGES), OLDER]
        by_age = {name: bounds[i + 1] - bounds[i] for i, name in enumerate(names)}
        oldest_at = codec.from_text(oldest)
        found.append(Pending(rule=rule, count=count, oldest_at=oldest_at, by_age=by_age))
    return tuple(found)


def _by_status(connection: Connection, table: Table, statuses: list[str]) -> dict[str, int]:
    query = (
        select(table.c.status, func.count())
        .where(table.c.status.in_(statuses))
        .group_by(table.c.status)
    )
    counted = {str(status): int(count) for status, count in connection.execute(query)}
    return {status: counted.get(status, 0) for status in statuses}


def _backlogs(connection: Connection) -> tuple[Backlog, ...]:
    is_held = deliveries.c.status == DeliveryStatus.UNREACHABLE.value
    held = func.sum(case((is_held, 1), else_=0))
    tried = and_(deliveries.c.error.is_not(None), deliveries.c.attempts > 0)
    failing = func.sum(case((and_(tried, ~is_held), 1), else_=0))
    first = func.min(deliveries.c.next_at)
    query = (
        select(deliveries.c.channel, func.count(), failing, held, first)
        .where(deliveries.c.next_at.is_not(None))
        .group_by(deliveries.c.channel)
        .order_by(deliveries.c.channel)
    )
    return tuple(
        Backlog(
            channel=channel,
            count=count,
            failing=int(failed),
            unreachable=int(held),
            next_at=codec.from_text(next_at),
        )
        for channel, count, failed, held, next_at in connection.execute(query)
    )


def _closed(connection: Connection) -> dict[str, int]:
    query = (
        select(conversations.c.channel, func.count())
        .where(conversations.c.blocked_at.is_not(None))
        .group_by(conversations.c.channel)
    )
    return {str(channel): int(count) for channel, count in connection.execute(query)}


def _due_at(connection: Connection, now: str) -> dict[str, datetime]:
    first: dict[str, tuple[Table, Column[str]]] = {
        "run": (sessions, sessions.c.next_at),
        "deliver": (deliveries, deliveries.c.next_at),
        "notify": (notices, notices.c.next_at),
        "read": (deliveries, deliveries.c.look_at),
        "poll": (polls, polls.c.next_at),
        "expire": (requests, requests.c.expires_at),
        "step": (requests, requests.c.next_step_at),
        "remind": (reminders, reminders.c.next_at),
    }
    due = {}
    for kind, (table, at) in first.items():
        query = select(func.min(at)).where(at <= now)
        if table is requests:
            query = query.where(requests.c.status == RequestStatus.PENDING.value)
        found = connection.execute(query).scalar_one()
        if found is not None:
            due[kind] = codec.from_text(found)
    return due


def _polls(connection: Connection) -> tuple[Poll, ...]:
    query = select(polls.c.channel, polls.c.polled_at, polls.c.failures).order_by(polls.c.channel)
    return tuple(
        Poll(
            system=system,
            polled_at=None if polled_at is None else codec.from_text(polled_at),
            failures=failures,
        )
        for system, polled_at, failures in connection.execute(query)
    )
