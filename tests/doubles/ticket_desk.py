"""A ticket system in memory: tickets, people who work in them, and an index that can be behind."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from countersign.approvals.errors import NotFoundError
from countersign.approvals.ports import Clock
from countersign.approvals.tickets import TicketAct, TicketRef
from countersign.connectors.comments.questions import question_in

OWN = "acc-bot"
"""The account that the connector uses."""


class State(StrEnum):
    """Where a ticket stands."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    CHANGES = "changes"
    REVIEW = "in review"
    """Says nothing, and is not the end."""
    CLOSED = "closed"
    """Is the end, and says neither yes nor no."""


@dataclass
class Comment:
    """What somebody said in a ticket."""

    at: datetime
    by: str
    text: str


@dataclass
class Ticket:
    """A ticket as it is now."""

    id: str
    key: str
    order_key: str
    made_by: str
    made_at: datetime
    changed_at: datetime
    text: str
    state: State = State.PENDING
    open: bool = True
    altered_by: str | None = None
    changes: tuple[str, str] = ("", "")
    """Who wrote into the field for changes last, and what."""
    acts: list[TicketAct] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    """Keys of what the connector has said."""

    def said_by(self, person: str | None) -> str:
        """The newest comment of this person that is no question."""
        theirs = [comment.text for comment in self.comments if comment.by == person]
        mine = [text for text in theirs if not question_in(text)]
        return mine[-1] if mine else ""


class Desk:
    """All tickets. Its own clock is `clock` plus `clock_offset_s`, and no two things happen at
    the same time."""

    def __init__(self, clock: Clock, prefix: str = "OPS"):
        self.tickets: dict[str, Ticket] = {}
        self.index_lag_s = 0.0
        """How long searches do not see a change; `inf` until `catch_up`."""
        self.clock_offset_s = 0.0
        self._clock, self._prefix = clock, prefix
        self._last = datetime.min.replace(tzinfo=UTC)
        self._numbers, self._act_ids = itertools.count(1), itertools.count(70_001)
        self._index: dict[str, Ticket] = {}
        self._unindexed: list[tuple[datetime, str, Ticket | None]] = []

    def now(self) -> datetime:
        """The time by the desk's clock, later than every answer before."""
        at = self._clock.now() + timedelta(seconds=self.clock_offset_s)
        self._last = max(at, self._last + timedelta(milliseconds=1))
        return self._last

    def make(self, order_key: str, text: str, *, by: str = OWN) -> Ticket:
        """A new ticket."""
        number, at = next(self._numbers), self.now()
        ticket = Ticket(
            id=str(10_000 + number),
            key=f"{self._prefix}-{number}",
            order_key=order_key,
            made_by=by,
            made_at=at,
            changed_at=at,
            text=text,
        )
        self.tickets[ticket.id] = ticket
        self.changed(ticket)
        return ticket

    def get(self, ticket: TicketRef | str) -> Ticket:
        """The ticket. Raises NotFoundError."""
        wanted = ticket if isinstance(ticket, str) else ticket.id
        if wanted not in self.tickets:
            raise NotFoundError(f"There is no ticket {wanted}.")
        return self.tickets[wanted]

    def changed(self, ticket: Ticket) -> None:
        """Stamp the ticket, and let the index know when its time has come."""
        ticket.changed_at = self.now()
        self._hand_in(ticket.id, copy.deepcopy(ticket))

    def delete(self, ticket: TicketRef | str) -> None:
        """Remove it for good."""
        gone = self.get(ticket).id
        del self.tickets[gone]
        self._hand_in(gone, None)

    def move(self, ticket: Ticket, state: State, *, by: str | None) -> None:
        """Set the state; it is in the history unless it only means that people are asked."""
        if ticket.state is state:
            return
        ticket.state = state
        if state is not State.PENDING:
            act = TicketAct(id=f"h{next(self._act_ids)}", at=self.now(), actor=by, state=state)
            ticket.acts.append(act)
        self.changed(ticket)

    def searched(self) -> list[Ticket]:
        """Every ticket as the index knows it, the first made first."""
        now = self._clock.now()
        late = []
        for visible_at, ticket_id, ticket in self._unindexed:
            if visible_at > now:
                late.append((visible_at, ticket_id, ticket))
            elif ticket is None:
                self._index.pop(ticket_id, None)
            else:
                self._index[ticket_id] = ticket
        self._unindexed = late
        return sorted(self._index.values(), key=lambda ticket: int(ticket.id))

    def catch_up(self) -> None:
        """Let searches see everything, now and from now on."""
        self.index_lag_s = 0.0
        epoch = datetime.min.replace(tzinfo=UTC)
        self._unindexed = [(epoch, ticket_id, t) for _, ticket_id, t in self._unindexed]

    def _hand_in(self, ticket_id: str, ticket: Ticket | None) -> None:
        forever = self.index_lag_s == float("inf")
        lag = timedelta() if forever else timedelta(seconds=self.index_lag_s)
        at = datetime.max.replace(tzinfo=UTC) if forever else self._clock.now() + lag
        before = self._unindexed[-1][0] if self._unindexed else at
        self._unindexed.append((max(at, before), ticket_id, ticket))


class Person:
    """Somebody at work in the tickets; `account` is None where the system does not say who."""

    def __init__(self, desk: Desk, account: str | None):
        self._desk, self.account = desk, account

    def approve(self, ticket: TicketRef | str, comment: str = "") -> None:
        """Say yes."""
        self._answer(ticket, State.APPROVED, comment)

    def reject(self, ticket: TicketRef | str, comment: str = "") -> None:
        """Say no."""
        self._answer(ticket, State.REJECTED, comment)

    def ask_changes(self, ticket: TicketRef | str, changes: str, comment: str = "") -> None:
        """Write `changes` into the field for it, and say that changes are wanted."""
        self._desk.get(ticket).changes = (self.account or "", changes)
        self._answer(ticket, State.CHANGES, comment)

    def move(self, ticket: TicketRef | str, state: State) -> None:
        """Bring it into any state."""
        self._answer(ticket, state, "")

    def reopen(self, ticket: TicketRef | str) -> None:
        """Bring it back to where people are asked."""
        self._answer(ticket, State.PENDING, "")

    def comment(self, ticket: TicketRef | str, text: str) -> None:
        """Say something."""
        found = self._desk.get(ticket)
        found.comments.append(Comment(self._desk.now(), self.account or "", text))
        self._desk.changed(found)

    def edit_text(self, ticket: TicketRef | str, text: str) -> None:
        """Replace what the connector wrote."""
        found = self._desk.get(ticket)
        found.text, found.altered_by = text, self.account or "somebody"
        self._desk.changed(found)

    def relabel(self, ticket: TicketRef | str, order_key: str) -> None:
        """Replace the order key."""
        found = self._desk.get(ticket)
        found.order_key = order_key
        self._desk.changed(found)

    def make(self, order_key: str, text: str = "Mine.") -> Ticket:
        """A ticket that this person makes."""
        return self._desk.make(order_key, text, by=self.account or "")

    def delete(self, ticket: TicketRef | str) -> None:
        """Delete it for good."""
        self._desk.delete(ticket)

    def _answer(self, ticket: TicketRef | str, state: State, comment: str) -> None:
        if comment:
            self.comment(ticket, comment)
        self._desk.move(self._desk.get(ticket), state, by=self.account)
