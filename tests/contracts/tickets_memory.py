"""The in-memory ticket system, as the suite of ticket connectors sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from countersign.approvals.errors import UnavailableError
from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.testing.suites.ticket_system import (
    Delivered,
    Elsewhere,
    Implementation,
    Outside,
    Who,
)
from tests.doubles.clock import ManualClock
from tests.doubles.directory import BEN, CARA, ERIN
from tests.doubles.ticket_desk import OWN, Person, State
from tests.doubles.tickets import FakeTickets

_STATES = {Elsewhere.UNMAPPED: State.REVIEW, Elsewhere.CLOSED: State.CLOSED}


class InMemory:
    """Implements `countersign.testing.suites.ticket_system.Outside`."""

    def __init__(self) -> None:
        self.tickets = FakeTickets(ManualClock(), index_lag_s=60.0)
        self.connector = self.tickets
        self.people = {
            Who.BEN: BEN.identities["jira"],
            Who.CARA: CARA.identities["jira"],
            Who.ERIN: ERIN.identities["jira"],
            Who.STRANGER: "acc-mallory",
            Who.OWN: OWN,
        }

    async def approve(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self._as(who).approve(ref, comment)

    async def reject(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self._as(who).reject(ref, comment)

    async def ask_changes(self, ref: TicketRef, who: Who, text: str) -> None:
        self._as(who).ask_changes(ref, text)

    async def move(self, ref: TicketRef, who: Who, state: Elsewhere) -> None:
        self._as(who).move(ref, _STATES[state])

    async def reopen(self, ref: TicketRef, who: Who) -> None:
        self._as(who).reopen(ref)

    async def comment(self, ref: TicketRef, who: Who, text: str) -> None:
        self._as(who).comment(ref, text)

    async def edit_text(self, ref: TicketRef, who: Who, text: str) -> None:
        self._as(who).edit_text(ref, text)

    async def relabel(self, ref: TicketRef, who: Who, key: str) -> None:
        self._as(who).relabel(ref, key)

    async def delete(self, ref: TicketRef) -> None:
        self.tickets.desk.delete(ref)

    async def foreign_ticket_with(self, key: str) -> TicketRef:
        return self.tickets.ref(self._as(Who.ERIN).make(key))

    async def text(self, ref: TicketRef) -> str:
        return self.tickets.desk.get(ref).text

    async def comments(self, ref: TicketRef) -> list[str]:
        return self.tickets.comments(ref)

    async def open_tickets(self) -> list[str]:
        return self.tickets.open_tickets()

    def calls_for(self, tickets: int) -> int:
        return 2

    def requests(self) -> int:
        return len(self.tickets.calls)

    @contextmanager
    def outage(self, *, retry_after_s: int | None = None) -> Iterator[None]:
        self.tickets.down = UnavailableError("Too many calls.", retry_after_s=retry_after_s)
        try:
            yield
        finally:
            self.tickets.down = None

    def unanswered(self) -> None:
        self.tickets.lose_answers = 1

    def lag_index(self) -> None:
        self.tickets.desk.index_lag_s = float("inf")

    def catch_up(self) -> None:
        self.tickets.desk.catch_up()

    def webhook_for(self, ref: TicketRef) -> Delivered:
        return self.tickets.webhook(ref)

    def webhook_elsewhere(self) -> Delivered:
        return self.tickets.webhook(TicketRef(id="1", key="X-1", url=""), event="sprint started")

    def without_secret(self) -> TicketConnector:
        return FakeTickets(ManualClock(), secret=b"")

    def _as(self, who: Who) -> Person:
        return self.tickets.as_person(self.people[who])


@asynccontextmanager
async def _open() -> AsyncIterator[Outside]:
    yield InMemory()


MEMORY = Implementation("memory", _open)
