"""What the suite of `approvals.ports.TicketConnector` asks of a system: its people and its faults.

An implementation is a ticket system with one connector on it. All that people do goes through the
system itself, never through the connector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from countersign.approvals.ports import TicketConnector
from countersign.approvals.tickets import TicketRef


class Who(StrEnum):
    """Who does something in the system."""

    BEN = "ben"
    CARA = "cara"
    """Ben and Cara are asked."""
    ERIN = "erin"
    """Is known to us and has no role: she is not asked."""
    STRANGER = "stranger"
    """Has an account there that no principal of ours has."""
    OWN = "own"
    """The account that the connector itself uses."""


class Elsewhere(StrEnum):
    """States that the connector's settings do not map to a verdict."""

    UNMAPPED = "unmapped"
    """Not final: people still work on it, e.g. “In review”."""
    CLOSED = "closed"
    """Final, without saying yes or no, e.g. “Done” or “Cancelled”."""


Delivered = tuple[Mapping[str, str], bytes]
"""Headers and raw body of a webhook."""


class Outside(Protocol):
    """A ticket system under test, its people, and how to break it."""

    @property
    def connector(self) -> TicketConnector:
        """The connector under test, on this system."""

    @property
    def people(self) -> Mapping[Who, str]:
        """By what the system identifies them: what `TicketAct.actor` says."""

    async def approve(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        """Say yes in the ticket, as this person would."""

    async def reject(self, ref: TicketRef, who: Who, comment: str = "") -> None:
        """Say no."""

    async def ask_changes(self, ref: TicketRef, who: Who, text: str) -> None:
        """Ask for changes to the arguments: `text` is as `connectors.comments.edits` reads it,
        without the line “Changes:”."""

    async def move(self, ref: TicketRef, who: Who, state: Elsewhere) -> None:
        """Bring the ticket into a state that is no answer."""

    async def reopen(self, ref: TicketRef, who: Who) -> None:
        """Bring an answered ticket back to where people are asked."""

    async def comment(self, ref: TicketRef, who: Who, text: str) -> None:
        """Say something in it, and answer nothing."""

    async def edit_text(self, ref: TicketRef, who: Who, text: str) -> None:
        """Replace the text that we wrote."""

    async def relabel(self, ref: TicketRef, who: Who, key: str) -> None:
        """Replace the order key that the ticket carries."""

    async def delete(self, ref: TicketRef) -> None:
        """Delete it for good, as an administrator would."""

    async def foreign_ticket_with(self, key: str) -> TicketRef:
        """A ticket with our order key on it that Erin made."""

    async def text(self, ref: TicketRef) -> str:
        """All that the ticket says but for its comments, as the system stores it."""

    async def comments(self, ref: TicketRef) -> list[str]:
        """What anybody has said in it, oldest first, as the system stores it."""

    async def open_tickets(self) -> list[str]:
        """The keys (`OPS-12`) of our tickets that are still marked as open."""

    def calls_for(self, tickets: int) -> int:
        """How many calls one reading of so many tickets may take: 2, or what its batches are."""

    def requests(self) -> int:
        """How many calls the system has answered so far."""

    def outage(self, *, retry_after_s: int | None = None) -> AbstractContextManager[None]:
        """While it lasts, every call is turned away before it has an effect, as with 429."""

    def unanswered(self) -> None:
        """The next call that writes takes effect, and its answer is lost."""

    def lag_index(self) -> None:
        """From now on searches do not see what happens; nothing where reads follow writes."""

    def catch_up(self) -> None:
        """Searches see everything again."""

    def webhook_for(self, ref: TicketRef) -> Delivered:
        """A delivery about this ticket, signed as the system signs."""

    def webhook_elsewhere(self) -> Delivered:
        """A well-signed delivery about something that is no business of ours."""

    def without_secret(self) -> TicketConnector:
        """The same connector, set up without a webhook secret."""


@dataclass(frozen=True)
class Implementation:
    """A system that the suite is run on."""

    name: str
    open: Callable[[], AbstractAsyncContextManager[Outside]]
    """A system without tickets, and a connector to it that is closed in the end."""
