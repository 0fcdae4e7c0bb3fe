"""The people of the ticket suites at work at the desk of a stand-in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from countersign.approvals.tickets import TicketRef
from countersign.sandbox.asana.server import Asana
from countersign.sandbox.desk import Desk
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.servicenow.server import ServiceNow
from countersign.testing.suites.ticket_system import Elsewhere, Who

LOGINS: Mapping[Who, str] = {
    Who.BEN: "alex",
    Who.CARA: "sam",
    Who.ERIN: "megan",
    Who.STRANGER: "mallory",
    Who.OWN: "bot",
}
EVER = 1_000_000


class AtDesk:
    """What `countersign.testing.suites.ticket_system.Outside` wants of people and of bad days; who
    adds the connector has all of it."""

    def __init__(self, desk: Desk, system: Jira | ServiceNow | Asana):
        self.desk, self._system = desk, system
        self.people = {who: desk.people[login] for who, login in LOGINS.items()}

    async def approve(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self.let_answer(who)
        self.desk.answer(ref.key, "approve", who=LOGINS[who], comment=comment, in_one_step=True)

    async def reject(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        self.let_answer(who)
        self.desk.answer(ref.key, "reject", who=LOGINS[who], comment=comment, in_one_step=True)

    async def ask_changes(self, ref: TicketRef, who: Who, text: str) -> None:
        self.let_answer(who)
        self.desk.answer(ref.key, "approve", who=LOGINS[who], changes=text)

    async def move(self, ref: TicketRef, who: Who, state: Elsewhere) -> None:
        act = self.desk.shelve if state is Elsewhere.UNMAPPED else self.desk.finish
        act(ref.key, who=LOGINS[who])

    async def reopen(self, ref: TicketRef, who: Who) -> None:
        self.let_answer(who)
        self.desk.reopen(ref.key, who=LOGINS[who])

    async def comment(self, ref: TicketRef, who: Who, text: str) -> None:
        self.desk.comment(ref.key, text, who=LOGINS[who])

    async def edit_text(self, ref: TicketRef, who: Who, text: str) -> None:
        self.desk.edit_text(ref.key, text, who=LOGINS[who])

    async def relabel(self, ref: TicketRef, who: Who, key: str) -> None:
        self.desk.relabel(ref.key, key, who=LOGINS[who])

    async def delete(self, ref: TicketRef) -> None:
        self.desk.delete(ref.key)

    async def foreign_ticket_with(self, key: str) -> TicketRef:
        made = self.desk.make("Mine", key, who=LOGINS[Who.ERIN])
        return TicketRef(id=self.desk.ticket(made).id, key=made, url=f"{self.desk.url}/{made}")

    async def text(self, ref: TicketRef) -> str:
        ticket = self.desk.ticket(ref.key)
        return f"{ticket.summary}\n{ticket.text}"

    async def comments(self, ref: TicketRef) -> list[str]:
        ticket = self.desk.ticket(ref.key)
        return [*ticket.comments, *ticket.aside]

    async def open_tickets(self) -> list[str]:
        return [ticket.key for ticket in self.desk.tickets() if ticket.open and ticket.ours]

    def calls_for(self, tickets: int) -> int:
        """One query, and one more for what stands in other tables."""
        return 2

    def requests(self) -> int:
        return len(self._system.requests)

    @contextmanager
    def outage(self, *, retry_after_s: int | None = None) -> Iterator[None]:
        self._system.faults.fail(429, retry_after_s=retry_after_s, times=EVER)
        try:
            yield
        finally:
            self._system.faults.clear()

    def let_answer(self, who: Who) -> None:
        """Let the system take an answer of this person, if that needs anything."""
