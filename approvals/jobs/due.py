"""The sweep: rows that are due, whatever became of their doorbells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from countersign.approvals.decisions.outbox import (
    ANSWER,
    DELIVER,
    DOUBT,
    EXPIRE,
    NOTIFY,
    POLL,
    READ,
    REMIND,
    RUN,
    TELL_DELEGATE,
    TELL_PAUSE,
)
from countersign.approvals.ports import Job
from countersign.approvals.store import (
    clock_ahead,
    delegations,
    deliveries,
    pauses,
    questions,
    reminders,
    request_lists,
    session_lists,
    tickets,
)
from countersign.approvals.store import notices as notice_rows

Due = Callable[[Connection, datetime], Sequence[str]]
SWEEP_LIMIT = 500
"""Rows of one kind per sweep; the next sweep takes the rest."""
ORPHAN_GRACE = timedelta(seconds=30)
"""A tool that runs on after its session was cancelled may still report for this long unasked."""
DUE: Mapping[str, Due] = {
    RUN: lambda c, now: session_lists.due(c, now, limit=SWEEP_LIMIT),
    DELIVER: lambda c, now: deliveries.due(c, now, limit=SWEEP_LIMIT),
    NOTIFY: lambda c, now: notice_rows.conversations_due(c, now, limit=SWEEP_LIMIT),
    DOUBT: lambda c, now: request_lists.orphaned(c, now - ORPHAN_GRACE, limit=SWEEP_LIMIT),
    EXPIRE: lambda c, now: [
        *request_lists.expiring(c, now, limit=SWEEP_LIMIT),
        *clock_ahead.asked(c, now, limit=SWEEP_LIMIT),
        *reminders.with_steps(c, now, limit=SWEEP_LIMIT),
    ],
    REMIND: lambda c, now: reminders.due(c, now, limit=SWEEP_LIMIT),
    READ: lambda c, now: tickets.due_reads(c, now, limit=SWEEP_LIMIT),
    TELL_PAUSE: lambda c, now: pauses.untold(c, limit=SWEEP_LIMIT),
    TELL_DELEGATE: lambda c, now: delegations.untold(c, now, limit=SWEEP_LIMIT),
    ANSWER: lambda c, now: questions.due(c, now, limit=SWEEP_LIMIT),
    POLL: lambda c, now: tickets.due_polls(c, now),
}


def due_jobs(connection: Connection, now: datetime, *, kinds: Collection[str]) -> list[Job]:
    """A doorbell for each row of these kinds that is due at `now`, the longest due first."""
    return [
        Job(kind=kind, id=row)
        for kind, due in DUE.items()
        if kind in kinds
        for row in due(connection, now)
    ]
