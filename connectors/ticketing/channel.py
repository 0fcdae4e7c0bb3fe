"""A ticket system as a channel of the domain: opens tickets, and tells them the outcome.

Opening is two steps with a note in between. What we are about to ask for is written down before we
ask, so that whoever comes after a crash or a lost answer looks for the ticket, and waits until the
system's index must have seen it, before asking again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

import structlog

from countersign.approvals.errors import (
    BusyError,
    CountersignError,
    NoRecipientError,
    NotFoundError,
    UnansweredError,
)
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
    Clock,
    Directory,
    Moment,
    Prompt,
    RequestView,
    Store,
    TicketConnector,
    TicketOrder,
    Unit,
)
from countersign.approvals.rules.approvers import all_asked, approvers
from countersign.approvals.rules.segregation import keeps_out
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import codec
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.tickets import (
    CheckResult,
    FoundTicket,
    TicketOutcome,
    TicketRef,
    order_key,
)
from countersign.connectors.receipts import receipt_url
from countersign.connectors.ticketing.outcome import is_current, outcome_of
from countersign.connectors.ticketing.pauses import PauseComments
from countersign.connectors.ticketing.questions import say_answers
from countersign.connectors.ticketing.shifts import on_duty, shift_key, shift_words

log = structlog.get_logger(__name__)


class TicketChannel:
    """`approvals.ports.Channel` over a `TicketConnector`."""

    placing = Placing(in_tickets=True)

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
        self._connector, self._store = connector, store
        self._clock, self._directory = clock, directory
        self._pauses = PauseComments(connector, store)

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Open the ticket, or find the one that an earlier attempt has opened."""
        order = self.order(delivery, view)
        ref = await self._adopted(delivery, order)
        if ref is None:
            self._require_indexed(delivery)
            if not is_current(delivery, view.request):
                raise NotFoundError("It was decided before a ticket was opened for it.")
            ref = await self._opened(delivery, order)
        elif (found := self._outcome(delivery, view)) is not None:
            await self._connector.close(ref, *found)  # decided while we had lost sight of it
        return {**reference(ref, view.request.digest), **_duty(view)}

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
        domains = self._directory.people().domains
        await self._pauses.bring_up_to_date(ticket_of(delivery), view, domains)
        await say_answers(self._connector, ticket_of(delivery), view)
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
        request, everybody = (
            view.request,
            people_for(self._directory.people().at(self._clock.now()), view.request, view.session),
        )
        stages = [request.stages[number] for number in request.open_stages]
        asked = {person.id: person for each in stages for person in all_asked(everybody, each)}
        known = [person for person in asked.values() if person.identities.get(self.name)]
        people = [
            person
            for person in known
            if person.id != request.requester
            and keeps_out(everybody, person, request.stages) is None
        ]
        if not people:
            raise NoRecipientError(
                f"Nobody with {approvers(stages)} has a {self.name} identity; add "
                f"`identities: {{{self.name}: …}}` to one of them in `people`."
            )
        key = order_key(request.id, delivery.target)
        by_id = tuple(sorted(people, key=lambda person: person.id))
        return TicketOrder(key=key, view=view, approvers=by_id)

    async def _adopted(self, delivery: Delivery, order: TicketOrder) -> TicketRef | None:
        """The first ticket that we have made for this order; later ones are closed."""
        ours = [found for found in await self._connector.find(order.key) if found.ours]
        for number, found in enumerate(ours):
            try:
                ref = await self._connector.adopt(order, found.ref)
            except NotFoundError:  # the index still lists what is gone
                continue
            for surplus in ours[number + 1 :]:
                await close_duplicate(self._connector, surplus, ref)
            log.info("ticket found again", delivery_id=delivery.id, ticket=ref.key)
            return ref
        return None

    async def _opened(self, delivery: Delivery, order: TicketOrder) -> TicketRef:
        await self._intend(delivery, begun=True)
        try:
            return await self._connector.open_ticket(order)
        except UnansweredError:
            raise
        except CountersignError:
            await self._intend(delivery, begun=False)
            raise

    async def _intend(self, delivery: Delivery, *, begun: bool) -> None:
        at = codec.to_text(self._clock.now()) if begun else None
        await self._store.write(lambda c: delivery_rows.record(c, delivery.id, doubt_at=at))

    def _require_indexed(self, delivery: Delivery) -> None:
        """Raise BusyError while an earlier attempt's ticket may still turn up: nothing has failed,
        so the wait does not grow."""
        if delivery.doubt_at is None:
            return
        indexed_at = delivery.doubt_at + timedelta(seconds=self._connector.index_lag_s)
        wait_s = (indexed_at - self._clock.now()).total_seconds()
        if wait_s > 0:
            raise BusyError(
                f"{self.name} did not say whether it made the ticket; looking for it before "
                "asking again.",
                retry_after_s=min(wait_s, 5.0),
            )


async def close_duplicate(connector: TicketConnector, surplus: FoundTicket, ref: TicketRef) -> None:
    """Close a second ticket for one order, and say which one counts."""
    text = f"This is the same as {ref.key}, which counts. This one needs no answer."
    try:
        await connector.close(surplus.ref, TicketOutcome.DUPLICATE, text)
    except NotFoundError:
        return
    log.warning("duplicate ticket closed", ticket=surplus.ref.key, counts=ref.key)


def _duty(view: RequestView) -> JsonObject:
    """What a delivery keeps of who was on call when its ticket named them; nothing of a request
    that asks nobody on call."""
    duty = on_duty(view)
    return {"on_call": duty} if duty else {}


def reference(ref: TicketRef, digest: str) -> JsonObject:
    """What a delivery keeps of its ticket; `digest` is of the revision that the ticket shows."""
    return {
        "ticket": ref.id,
        "key": ref.key,
        "url": ref.url,
        "shown": ref.shown,
        "whole": ref.whole,
        "digest": digest,
    }


def keep_shown(unit: Unit, delivery: Delivery, ref: TicketRef) -> None:
    """Know the text that was written into the ticket again as ours: what else is open stands in it,
    so it may be another than before, and what is not ours keeps every answer from counting."""
    request_rows.lock(unit, delivery.request_id)
    current = delivery_rows.get(unit.connection, delivery.id, lock=True)
    if current.ticket_id == ref.id and current.reference is not None:
        shown = {"shown": ref.shown, "whole": ref.whole}
        reference = codec.dumps({**current.reference, **shown})
        delivery_rows.record(unit.connection, delivery.id, reference=reference)


def keep_key(unit: Unit, delivery: Delivery, ref: TicketRef) -> Delivery:
    """The ticket was moved, and people call it otherwise now: the delivery as it is kept."""
    request_rows.lock(unit, delivery.request_id)
    current = delivery_rows.get(unit.connection, delivery.id, lock=True)
    if current.ticket_id == ref.id and current.reference is not None:
        named = {**current.reference, "key": ref.key, "url": ref.url}
        delivery_rows.record(unit.connection, delivery.id, reference=codec.dumps(named))
        log.info("ticket moved", ticket=ref.key, before=current.reference.get("key"))
    return delivery_rows.get(unit.connection, delivery.id)


def ticket_of(delivery: Delivery) -> TicketRef:
    """The ticket of a delivery. Raises NotFoundError if it has none."""
    kept = delivery.reference or {}
    if not kept.get("ticket"):
        raise NotFoundError(f"Delivery {delivery.id} has no ticket")
    return TicketRef(
        id=str(kept["ticket"]),
        key=str(kept.get("key", "")),
        url=str(kept.get("url", "")),
        shown=str(kept.get("shown", "")),
        whole=kept.get("whole") is True,
    )
