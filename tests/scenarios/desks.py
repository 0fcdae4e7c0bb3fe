"""A ticket system as tests see it: people at work in a ticket, and what it says then."""

from __future__ import annotations

from typing import Protocol

from countersign.sandbox._faults import Faults

Signed = tuple[dict[str, str], bytes]
"""Headers and body of a webhook."""


class Desk(Protocol):
    """Everything is done as a person would do it, by login: alex, sam, megan, adele, bot."""

    name: str
    url: str
    faults: Faults
    searching: str
    """The path of the query that a poll makes, as a fault names it."""

    def tell(self, url: str | None) -> None:
        """Send webhooks there, or none."""

    def answer(
        self, key: str, verdict: str, *, who: str = "alex", comment: str = "", changes: str = ""
    ) -> None:
        """`approve`, `reject` or `modify`."""

    def remark(self, key: str, comment: str) -> None:
        """Alex writes a comment and decides nothing."""

    def meddle(self, key: str, who: str, verdict: str = "approve") -> None:
        """Somebody whom nobody asked answers in a way in which the system lets them."""

    def shelve(self, key: str) -> None:
        """Alex sets something that means neither yes nor no."""

    def finish(self, key: str) -> None:
        """Somebody closes the ticket without a decision."""

    def edit_text(self, key: str, text: str) -> None:
        """Megan changes the description."""

    def unlabel(self, key: str) -> None:
        """Megan takes away what marks the ticket as ours."""

    def impostor(self, key: str) -> str:
        """Mallory's own ticket with the marks of `key` on it, approved by Alex; its key."""

    def delete(self, key: str) -> None:
        """Megan (or an administrator) deletes it."""

    def said(self, key: str) -> str:
        """All comments, oldest first."""

    def awaits(self, key: str) -> bool:
        """Whether it stands where people are asked."""

    def state(self, key: str) -> str:
        """Where it stands."""

    def text(self, key: str) -> str:
        """The description."""

    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        """Headers and body of a delivery that says Alex approved `key`; empty secret: unsigned."""

    def unrelated(self) -> str:
        """A ticket that has nothing to do with us; its key."""

    def polls(self) -> int:
        """How many polls have been answered."""

    def reads(self) -> int:
        """How often one ticket was read by its id."""

    async def settled(self) -> None:
        """Return when no webhook is on its way."""
