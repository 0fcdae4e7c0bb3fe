"""Ticket systems: where people decide by answering a ticket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from countersign.approvals.models import Principal, Request, Value
from countersign.approvals.ports.channels import RequestView
from countersign.approvals.tickets import (
    CheckResult,
    FoundTicket,
    Observation,
    TicketAct,
    TicketFinding,
    TicketOutcome,
    TicketPage,
    TicketRef,
    WebhookHint,
)


class TicketOrder(Value):
    """A ticket to be opened: one for each revision and stage of a request."""

    key: str
    """`approvals.tickets.order_key`; the ticket carries it, so that `find` finds it."""
    view: RequestView
    approvers: tuple[Principal, ...]
    """Who may answer, ordered by id; each has an identity of the connector's kind."""
    calls: tuple[Request, ...] = ()
    """All calls that the ticket asks about, in order, `view` being of one of them; none for a
    ticket of one call."""


KnownTickets = Callable[[Sequence[str]], Awaitable[Sequence[TicketRef]]]
"""Those of these ticket ids in which somebody can still decide."""


class TicketConnector(Protocol):
    """A system in which people decide by answering a ticket.

    Every `text` is plain: the connector escapes it, so that nothing in it becomes markup.

    Any method may raise UnavailableError: nothing was done, come again, perhaps after
    `retry_after_s`. Writes are never repeated inside. What was written and not answered raises
    UnansweredError: look with `find` (or read the ticket) before writing again.
    """

    name: str
    """`jira`, `servicenow`: the channel, the kind of identity, and the `Via` of votes."""
    poll_every_s: float
    index_lag_s: float
    """How long a ticket may exist before `find` sees it; 0 where reads follow writes at once."""
    languages: Sequence[str]
    """Codes of the languages in which people write in its tickets."""
    changes_words: Sequence[str]
    """More words by which they ask for changes."""

    async def check(self) -> Sequence[CheckResult]:
        """Look at everything a deployment can get wrong; never raises for what it reports."""

    async def find(self, key: str) -> Sequence[FoundTicket]:
        """Tickets that carry this order key, the first made first. Reads an index that may be
        behind by `index_lag_s`."""

    async def open_ticket(self, order: TicketOrder) -> TicketRef:
        """Make the ticket, without looking whether there is one.

        Raises InvalidError if the system refuses what we send (a required field, an unknown
        assignee): the text says which setting to change. Raises UnansweredError.
        """

    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        """Make a ticket that is there already what the order says: its text, who may answer.

        Completes what an attempt that died has begun, and restores a text that somebody changed.
        Idempotent. Raises as `open_ticket`, and NotFoundError if it is gone.
        """

    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        """Read what has changed since the cursor of an earlier page, in one query whatever the
        number of tickets, or in batches of them where the system has no such query; without a
        cursor, every ticket that is still open.

        `known` says of what was read which tickets wait, so that their text can be compared. May
        return tickets again that have not changed, and tickets that are not ours.
        """

    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        """Read one ticket, whatever any index says; None if it is gone or hidden from us."""

    async def comment(self, ref: TicketRef, text: str, *, key: str) -> None:
        """Write to the people in the ticket, once for each `key`; like `ask_again` and `close` also
        if this process does it several times at once. Raises NotFoundError."""

    async def ask_again(self, ref: TicketRef, act: TicketAct, text: str, *, counted: bool) -> None:
        """Say `text`, and make the ticket answerable again after `act`: it did not count, or it
        did (`counted`) and more people have to answer. Idempotent. Raises NotFoundError."""

    async def close(self, ref: TicketRef, outcome: TicketOutcome, text: str) -> None:
        """Say `text` (unless it is empty) and bring the ticket to where `outcome` belongs, as far
        as its workflow lets us. Idempotent. Raises NotFoundError."""

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
        """The ticket that a delivery is about; None if it is about nothing that concerns us.

        Raises InvalidWebhookError unless the raw body is signed with our secret; also if we have
        no secret.
        """

    def decide(self, observation: Observation) -> Sequence[TicketFinding]:
        """What the acts mean, oldest first; nothing at all means: still pending. Pure."""

    async def close_client(self) -> None:
        """Let go of connections and threads."""


@runtime_checkable
class WebhookGreeter(Protocol):
    """A connector whose system makes a webhook only if its first delivery is answered."""

    def greeting(self, headers: Mapping[str, str]) -> Mapping[str, str] | None:
        """Headers that such a delivery is answered with; None if this is none. Believes nothing,
        keeps nothing."""


TicketConnectors = Mapping[str, TicketConnector]


@runtime_checkable
class AsksSeveral(Protocol):
    """A `TicketConnector` whose tickets show all `calls` of an order, if there are any. Where a
    connector does not say so, each call has a ticket of its own."""

    several: bool
