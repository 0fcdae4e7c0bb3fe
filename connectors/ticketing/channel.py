"""A ticket system as a channel of the domain: opens tickets, and tells them the outcome.

Calls that were proposed together, and that the same people decide on the same terms, are one
ticket (docs/adr/0061-one-ticket.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from countersign.approvals.errors import NoRecipientError, NotFoundError
from countersign.approvals.forms.told import prompt as prompt_words
from countersign.approvals.models import (
    Conversation,
    Delivery,
    JsonObject,
    Notice,
    Placing,
    RequestStatus,
)
from countersign.approvals.ports import (
    AsksSeveral,
    Clock,
    Directory,
    Moment,
    Prompt,
    RequestView,
    Store,
    TicketConnector,
    TicketOrder,
)
from countersign.approvals.tickets import CheckResult, TicketOutcome, TicketRef
from countersign.connectors.receipts import receipt_url
from countersign.connectors.ticketing.kept import calls_in, keep_shown, reference, ticket_of
from countersign.connectors.ticketing.opening import Opening
from countersign.connectors.ticketing.outcome import is_current, outcome_of
from countersign.connectors.ticketing.outcome_of_all import decided_elsewhere, outcome_of_all
from countersign.connectors.ticketing.pauses import PauseComments
from countersign.connectors.ticketing.questions import say_answers
from countersign.connectors.ticketing.shifts import on_duty, shift_key, shift_words

SAID_AT_MOST = 20
"""Calls of which a ticket that still waits for others says that they are decided elsewhere."""


class TicketChannel:
    """`approvals.ports.Channel` over a `TicketConnector`."""

    def __init__(
        self,
        connector: TicketConnector,
        store: Store,
        clock: Clock,
        directory: Directory,
        *,
        pages_url: str = "",
    ):
        """`pages_url` is where people read receipts; "" where nobody can."""
        self._pages_url = pages_url
        self.name = connector.name
        self.placing = Placing(in_tickets=True, together=_asks_several(connector))
        self._connector, self._store = connector, store
        self._clock, self._directory = clock, directory
        self._opening = Opening(connector, store, clock, directory)
        self._pauses = PauseComments(connector, store)

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Open the ticket, or find the one that an earlier attempt has opened."""
        order = self.order(delivery, view)
        ref = await self._opening.adopted(delivery, order)
        if ref is None:
            self._opening.require_indexed(delivery)
            if not any(is_current(delivery, each) for each in order.calls or (view.request,)):
                raise NotFoundError("It was decided before a ticket was opened for it.")
            ref = await self._opening.opened(delivery, order)
        elif (found := self._outcome(delivery, view)) is not None:
            await self._connector.close(ref, *found)  # decided while we had lost sight of it
        names = view.calls if order.calls else ""
        return {**reference(ref, view.request.digest, names), **_duty(view)}

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """A ticket is for one request."""
        raise NotFoundError(f"{self.name} shows no lists.")

    async def update(self, delivery: Delivery, view: RequestView) -> JsonObject | None:
        """Tell the ticket the outcome, once there is one, and until then what is paused and what
        was answered. Its text changes only with who may answer it."""
        found = self._outcome(delivery, view)
        if found is not None:
            await self._connector.close(ticket_of(delivery), *found)
            return None
        ref, domains = ticket_of(delivery), self._directory.people().domains
        calls = calls_in(delivery, view)
        for key, said in decided_elsewhere(delivery, view, calls)[:SAID_AT_MOST]:
            await self._connector.comment(ref, said, key=key)
        await self._pauses.bring_up_to_date(ref, view, domains)
        await say_answers(self._connector, self._store, ref, view, calls)
        return await self._handed_over(delivery, view)

    async def _handed_over(self, delivery: Delivery, view: RequestView) -> JsonObject | None:
        """What the delivery keeps of its ticket once it is for those who are on call now; None if
        it is already."""
        kept, duty = delivery.reference or {}, _duty(view)
        if not duty or kept.get("on_call") == duty["on_call"]:
            return None
        ref = ticket_of(delivery)
        with suppress(NoRecipientError):  # then it says who is, and waits
            ref = await self._named_anew(delivery, view)
        await self._connector.comment(ref, shift_words(view), key=shift_key(view))
        return {**kept, "shown": ref.shown, "whole": ref.whole, **duty}

    async def _named_anew(self, delivery: Delivery, view: RequestView) -> TicketRef:
        """The ticket, after it has named those who may answer it now."""
        ref = await self._connector.adopt(self.order(delivery, view), ticket_of(delivery))
        kept = partial(keep_shown, delivery=delivery, ref=ref)
        await self._store.unit(kept, Moment(self._clock.now()))
        return ref

    def _outcome(self, delivery: Delivery, view: RequestView) -> tuple[TicketOutcome, str] | None:
        """`outcome_of`, with the address of the receipt where something is said at the end."""
        if calls := calls_in(delivery, view):
            return outcome_of_all(delivery, view, calls, self._pages_url)
        found = outcome_of(delivery, view)
        url = receipt_url(self._pages_url, view.request)
        if found is None or not found[1] or not url:
            return found
        return found[0], f"{found[1]}\n\nReceipt: {url}"

    def busy_s(self, delivery: Delivery) -> float:
        """Only the system itself knows."""
        return 0.0

    async def say(self, conversation: Conversation, notice: Notice) -> None:
        """Tickets hold no conversations."""
        raise NotFoundError(f"{self.name} has no conversations.")

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Comment in the ticket, once for each number. After an escalation the ticket first names
        those who may answer it now."""
        ref = ticket_of(delivery)
        if prompt.escalated:
            ref = await self._named_anew(delivery, view)
        text = prompt_words(view.request, escalated=prompt.escalated)
        await self._connector.comment(ref, text, key=f"remind:{prompt.number}")

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Once it is decided and what came of it is known, or another ticket asks instead."""
        if view.request.status is RequestStatus.PENDING:
            return not is_current(delivery, view.request)
        return view.is_over

    async def check(self) -> Sequence[CheckResult]:
        """As the connector sees it."""
        return await self._connector.check()

    def order(self, delivery: Delivery, view: RequestView) -> TicketOrder:
        """What is asked for. Raises NoRecipientError if nobody could answer it there."""
        return self._opening.order(delivery, view)


def _asks_several(connector: TicketConnector) -> bool:
    return isinstance(connector, AsksSeveral) and connector.several


def _duty(view: RequestView) -> JsonObject:
    """What a delivery keeps of who was on call when its ticket named them; nothing of a request
    that asks nobody on call."""
    duty = on_duty(view)
    return {"on_call": duty} if duty else {}
