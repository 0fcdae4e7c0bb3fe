"""A unit: one transaction of the store, with all that takes part in it.

Nothing outside is asked while it runs: who people are, what tools take and whether there is room to
go on here is read before, as its `Moment`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit.seals import Head
from countersign.approvals.models import NOBODY, JsonObject, People, Request, SessionId
from countersign.approvals.ports.tools import Forms


class NewLease(NamedTuple):
    """A lease on a session that nobody can have: it starts, or wakes."""

    owner: str
    until: datetime


class Left(NamedTuple):
    """What a transaction of a run has left behind, for its next one to go on from."""

    session_id: SessionId
    epoch: int
    head: Head
    """Where the session's chain ends."""
    request: Request | None
    """What it has claimed; None where its call has ended since."""
    is_unshown: bool
    """Whether that is shown nowhere."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stand outside when a unit is asked for: values, which ask nobody."""

    now: datetime
    people: People = NOBODY
    forms: Forms = field(default_factory=dict[tuple[str, str], str])
    room: int = 0
    """How many more sessions could be run in this process."""
    private: tuple[PrivateRule, ...] = ()
    """What the ledger commits to on its own, so that it can be left out."""


STATEMENTS = Moment(datetime.min.replace(tzinfo=UTC))
"""Of plain statements, which are not given it."""


@dataclass(slots=True)
class Unit:
    """One transaction. What notes rows for the ledger, locks a session or rings afterwards takes
    the unit; a plain statement takes its connection."""

    connection: Connection
    moment: Moment
    heads: dict[str, Head] = field(default_factory=dict)
    """Of the ledgers of the sessions that it has locked: nobody else moves those."""
    unwritten: set[str] = field(default_factory=set)
    """Sessions whose head is written when the unit ends, unless their row is written before."""
    moved: dict[str, Head] = field(default_factory=dict)
    """Where the chains end that it has added to."""
    rows: dict[str, Sequence[Any]] = field(default_factory=dict)
    """Of requests, by id, read with the lock of their session, until they are asked for."""
    alone: set[str] = field(default_factory=set)
    """Requests that it has read which were proposed alone."""
    unshown: set[str] = field(default_factory=set)
    """Requests that it has read which are shown nowhere."""
    is_unpaused: bool = False
    """Whether it has read that nothing is paused."""
    left: Left | None = None
    """What it goes on from without having read it, until a write of it has compared that."""
    changed: dict[str, list[JsonObject]] = field(default_factory=dict)
    """By session, the rows that its next ledger entry has to tell of."""
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    """Called in order once it is durable; never if it is not."""

    @property
    def now(self) -> datetime:
        """When it was asked for: the time of everything that it writes."""
        return self.moment.now
