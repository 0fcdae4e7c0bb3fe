"""A ticket system as the people at work in it use it, wherever its stand-in runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

MARK = "agent-approval"
"""With which our connectors mark their tickets, unless their settings say otherwise."""
Answer = Literal["approve", "reject", "modify"]
Signed = tuple[dict[str, str], bytes]
"""Headers and body of a webhook."""


class NotDoneError(LookupError):
    """The system did not let the person do it; `status` is what its API answers then."""

    def __init__(self, status: int, said: str):
        super().__init__(said)
        self.status = status


class Switches(Protocol):
    """What a desk needs of a stand-in: itself in this process, or `Remote` for another."""

    @property
    def url(self) -> str:
        """Where it listens."""

    def act(self, what: Mapping[str, Any]) -> Any:
        """Do something as a person: the body of `POST /_sandbox/act`. Raises NotDoneError."""

    def state(self, key: str | None = None) -> list[dict[str, Any]]:
        """Every ticket, the first made first, or the one with this key; raises NotDoneError."""


@dataclass(frozen=True)
class Ticket:
    """One ticket as it stands."""

    id: str
    key: str
    order: str
    """The order that it carries, as a connector marked it; empty if it is nobody's."""
    open: bool
    """Whether it carries our mark of what waits."""
    ours: bool
    """Whether the account of the connector made it."""
    state: str
    """Where it stands, in the words of the system."""
    asks: bool
    """Whether Alex is asked there."""
    summary: str
    text: str
    comments: tuple[str, ...]
    """What anybody has said in it, oldest first."""
    aside: tuple[str, ...] = ()
    """What was said with the answers, where the system keeps that apart."""

    @property
    def said(self) -> str:
        """All comments in one text."""
        return "\n".join(self.comments)


class Desk(Protocol):
    """Everything is done as a person would do it, by login: alex, sam, megan, adele, mallory."""

    name: str
    people: Mapping[str, str]
    """What an act is signed with there, by login."""
    create: Mapping[str, str]
    """The call that makes a ticket, as a fault names it."""
    searching: str
    """The path of the query that a poll makes, as a fault names it."""
    lags: bool
    """Whether searches may be late there."""
    at: Switches

    def __init__(self, at: Switches):
        self.at = at

    @property
    def url(self) -> str:
        """Where the system listens."""
        return self.at.url

    def ticket(self, key: str) -> Ticket:
        """One ticket. Raises NotDoneError."""
        return self.read(self.at.state(key)[0])

    def tickets(self) -> list[Ticket]:
        """Every ticket, the first made first."""
        return [self.read(stored) for stored in self.at.state()]

    def read(self, stored: Mapping[str, Any]) -> Ticket:
        """A ticket as the system keeps it."""

    def answer(
        self,
        key: str,
        answer: Answer,
        *,
        who: str = "alex",
        comment: str = "",
        changes: str = "",
        in_one_step: bool = False,
    ) -> str:
        """Answer it; returns what was done, in words. `in_one_step` writes the comment with the
        answer, where that is a choice, and not before it."""

    def comment(self, key: str, text: str, *, who: str = "alex") -> None:
        """Write a comment and decide nothing."""

    def reopen(self, key: str, *, who: str = "alex") -> None:
        """Bring an answered ticket back to where people are asked."""

    def meddle(self, key: str, who: str, answer: Answer = "approve") -> None:
        """Somebody whom nobody asked answers in a way in which the system lets them."""

    def shelve(self, key: str, *, who: str = "alex") -> None:
        """Set something that means neither yes nor no, and is not the end."""

    def finish(self, key: str, *, who: str = "") -> None:
        """Close the ticket without a decision; as somebody who may, unless told otherwise."""

    def edit_text(self, key: str, text: str, *, who: str = "megan") -> None:
        """Change the description."""

    def relabel(self, key: str, order: str, *, who: str = "megan") -> None:
        """Let it carry another order; an empty one takes away what marks the ticket as ours."""

    def make(self, summary: str, order: str = "", *, who: str = "megan") -> str:
        """A ticket of somebody's own, which may carry an order; its key."""

    def impostor(self, key: str) -> str:
        """Somebody's own ticket with the marks of `key` on it, approved by Alex; its key."""

    def delete(self, key: str) -> None:
        """Delete it for good, as somebody who may."""

    def webhook(self, key: str, *, secret: str | None = None, body: bytes | None = None) -> Signed:
        """A delivery that says Alex approved `key`; signed with nothing if `secret` is empty."""
