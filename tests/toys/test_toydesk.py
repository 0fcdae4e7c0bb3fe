"""Toy Desk does what every ticket system does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest_asyncio

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef
from countersign.testing.suites.ticket_closing import *  # noqa: F403
from countersign.testing.suites.ticket_decisions import *  # noqa: F403
from countersign.testing.suites.ticket_faults import *  # noqa: F403
from countersign.testing.suites.ticket_system import Delivered, Elsewhere, Who
from countersign.testing.suites.tickets import *  # noqa: F403
from tests.doubles.links import links
from tests.toys.toydesk.connector import CLOSED, ToyDeskConnector
from tests.toys.toydesk.service import ACCOUNT, SECRET, TOKEN, ToyDesk
from tests.toys.toydesk.system import ToyDeskSettings

_STATES = {Elsewhere.UNMAPPED: "in review", Elsewhere.CLOSED: CLOSED}


def settings(desk: ToyDesk, *secrets: str) -> ToyDeskSettings:
    return ToyDeskSettings.model_validate(
        {"url": desk.url, "account": ACCOUNT, "token": TOKEN, "webhook_secrets": secrets}
    )


class OnToyDesk:
    """`countersign.testing.suites.ticket_system.Outside`."""

    def __init__(self, desk: ToyDesk):
        self._desk = desk
        self.connector: TicketConnector = ToyDeskConnector(settings(desk, SECRET), links())
        self.people = {who: ACCOUNT if who is Who.OWN else who.value for who in Who}

    async def approve(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        await self._answer(ref, who, "approved", comment)

    async def reject(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        await self._answer(ref, who, "rejected", comment)

    async def ask_changes(self, ref: TicketRef, who: Who, text: str) -> None:
        await self._answer(ref, who, "approved", f"Changes:\n{text}")

    async def move(self, ref: TicketRef, who: Who, state: Elsewhere) -> None:
        await self._answer(ref, who, _STATES[state], "")

    async def reopen(self, ref: TicketRef, who: Who) -> None:
        await self._answer(ref, who, "waiting", "")

    async def comment(self, ref: TicketRef, who: Who, text: str) -> None:
        self._desk.say(ref.id, self.people[who], text)

    async def edit_text(self, ref: TicketRef, who: Who, text: str) -> None:
        self._desk.edit(ref.id, self.people[who], text)

    async def relabel(self, ref: TicketRef, who: Who, key: str) -> None:
        self._desk.tickets[ref.id].order = key

    async def delete(self, ref: TicketRef) -> None:
        del self._desk.tickets[ref.id]

    async def foreign_ticket_with(self, key: str) -> TicketRef:
        made = self._desk.make(key, self.people[Who.ERIN])
        return TicketRef(id=made.id, key=made.key, url=self._desk.url)

    async def text(self, ref: TicketRef) -> str:
        return self._desk.tickets[ref.id].text

    async def comments(self, ref: TicketRef) -> list[str]:
        return [comment["text"] for comment in self._desk.tickets[ref.id].comments]

    async def open_tickets(self) -> list[str]:
        ours = (t for t in self._desk.tickets.values() if t.made_by == ACCOUNT)
        return [ticket.key for ticket in ours if ticket.open]

    def calls_for(self, tickets: int) -> int:
        return 2

    def requests(self) -> int:
        return self._desk.calls

    @contextmanager
    def outage(self, *, retry_after_s: int | None = None) -> Iterator[None]:
        self._desk.is_busy, self._desk.retry_after_s = True, retry_after_s
        yield
        self._desk.is_busy = False

    def unanswered(self) -> None:
        self._desk.loses_answer = True

    def lag_index(self) -> None:
        """Reads follow writes at once."""

    def catch_up(self) -> None:
        """Nothing is behind."""

    def webhook_for(self, ref: TicketRef) -> Delivered:
        return self._desk.delivery(ref.id)

    def webhook_elsewhere(self) -> Delivered:
        return self._desk.delivery("1", event="backup finished")

    def without_secret(self) -> TicketConnector:
        return ToyDeskConnector(settings(self._desk), links())

    async def _answer(self, ref: TicketRef, who: Who, state: str, comment: str) -> None:
        if comment:
            self._desk.say(ref.id, self.people[who], comment)
        self._desk.set(ref.id, self.people[who], state)


@pytest_asyncio.fixture
async def outside() -> AsyncIterator[OnToyDesk]:
    async with ToyDesk.start() as desk:
        found = OnToyDesk(desk)
        yield found
        await found.connector.close_client()
