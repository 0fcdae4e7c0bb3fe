"""Answers to acts in the tickets of one system: what became of each, told once in the ticket.

A ticket whose text somebody changed gets ours again, one that was reopened is closed again.
"""

from __future__ import annotations

from functools import partial

import structlog
from sqlalchemy import Connection

from countersign.approvals.approvals import Approvals
from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import (
    Delivery,
    JsonObject,
    Request,
    RequestStatus,
)
from countersign.approvals.ports import (
    Clock,
    Directory,
    Moment,
    RequestView,
    Store,
    TicketConnector,
)
from countersign.approvals.read_links import VALID_S, ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.store.view_rows import ViewRows, view_rows
from countersign.approvals.tickets import ActKey, Observation, RecordedAct, TicketAct
from countersign.connectors.comments.questions import ASK
from countersign.connectors.comments.withdrawing import WITHDRAW
from countersign.connectors.ticketing.acts import ACTS_MAX, TicketActs, base_of
from countersign.connectors.ticketing.answers_on_several import AnswersOnSeveral
from countersign.connectors.ticketing.channel import TicketChannel
from countersign.connectors.ticketing.kept import calls_in, keep_shown, ticket_of
from countersign.connectors.ticketing.outcome import is_current, outcome_of, taken_back_words
from countersign.connectors.ticketing.outcome_of_all import outcome_of_all
from countersign.connectors.ticketing.still_needed import still_needed

log = structlog.get_logger(__name__)

UNREAD_ANSWER = "The ticket does not show all of it, so it has to be read on its page first."
"""The reason by which an unread answer is known when it is told."""


class TicketAnswers:
    """Writes into tickets what their acts have led to."""

    def __init__(
        self,
        connector: TicketConnector,
        acts: TicketActs,
        store: Store,
        clock: Clock,
        approvals: Approvals,
        records: Records,
        directory: Directory,
        links: ReadLinks | None = None,
    ):
        """`links` lead to the page that shows what does not fit into a ticket."""
        self._connector, self._acts, self._links = connector, acts, links
        self._channel = TicketChannel(connector, store, clock, directory)
        self._store, self._clock = store, clock
        self._approvals, self._records = approvals, records
        self._name = connector.name
        self._of_several = AnswersOnSeveral(connector, acts, store, records)

    async def answer(self, delivery: Delivery, seen: Observation) -> None:
        """Tell the ticket what it has not been told. Raises NotFoundError if it is gone."""
        if await self._acts.too_many(delivery):
            await self._leave_alone(delivery)
            return
        asked = await self._answer_each(delivery, seen)
        if asked is not None:
            await self._restore(asked, await self._records.view(asked.request_id), seen)
        elif seen.awaiting:
            await self._close_again(delivery, seen)

    async def _answer_each(self, delivery: Delivery, seen: Observation) -> Delivery | None:
        """Tell the ticket what became of each act, once; a delivery whose call it still asks about,
        None if there is none."""
        if delivery.calls:
            return await self._of_several.answer(delivery, seen)
        view = await self._answer_all(delivery, seen)
        return delivery if is_current(delivery, view.request) else None

    async def _close_again(self, delivery: Delivery, seen: Observation) -> None:
        """Somebody reopened it, unless its end has not been told yet: that is the courier's."""

        def unit(connection: Connection) -> tuple[Delivery, ViewRows]:
            current = delivery_rows.get(connection, delivery.id)
            return current, view_rows(connection, delivery.request_id)

        current, rows = await self._store.read(unit)
        view = self._records.views.shown(rows)
        calls = calls_in(current, view)
        found = outcome_of_all(current, view, calls) if calls else outcome_of(current, view)
        if current.next_at is None and found is not None:
            await self._connector.close(seen.ref, *found)

    async def _answer_all(self, delivery: Delivery, seen: Observation) -> RequestView:
        """Tell the ticket what became of each act, once."""
        view = await self._records.view(delivery.request_id)
        acts = {act.id: act for act in seen.acts}
        for recorded in await self._acts.recorded(delivery):
            if recorded.answered:
                continue
            act = acts.get(recorded.key.act_id) or await self._half_told(delivery, view, recorded)
            if act is None:  # this reading is behind; one that knows the act tells it
                continue
            await self._tell(delivery, view, act, recorded)
            await self._store.write(partial(ticket_rows.answer, keys=[recorded.key]))
        return view

    async def _half_told(
        self, delivery: Delivery, view: RequestView, recorded: RecordedAct
    ) -> TicketAct | None:
        """The act that the ticket does not show any more: telling it failed after we had taken it
        back, and what the system had taken back by itself was left. None if it is there."""
        if not recorded.reason or not is_current(delivery, view.request):
            return None
        fresh = await self._connector.fetch_one(ticket_of(delivery))
        if fresh is None or any(act.id == recorded.key.act_id for act in fresh.acts):
            return None
        at = view.request.created_at
        return TicketAct(id=recorded.key.act_id, at=at, actor=None, state="")

    async def _tell(
        self, delivery: Delivery, view: RequestView, act: TicketAct, recorded: RecordedAct
    ) -> None:
        request = view.request
        if not is_current(delivery, request) and act.state == WITHDRAW:
            await self._tell_taken_back(delivery, request, act, recorded)
            return
        if not is_current(delivery, request):
            if recorded.reason:
                await self._connector.comment(ticket_of(delivery), recorded.reason, key=act.id)
            return
        who = visible(act.actor_name or act.actor or "somebody")
        if act.state == ASK:
            said = f"{who}: the agent is asked; its answer will stand here. Nothing is decided yet."
            if recorded.reason:
                said = f"{who}: nothing was asked. {visible(recorded.reason)}"
            await self._connector.comment(ticket_of(delivery), said, key=act.id)
            return
        if act.state == WITHDRAW:
            said = f"The vote of {who} is taken back. {still_needed(view)}"
            if recorded.reason:
                said = f"{who}: nothing was taken back. {visible(recorded.reason)}"
            await self._connector.comment(ticket_of(delivery), said, key=act.id)
            return
        if not recorded.reason:
            await self._connector.ask_again(
                ticket_of(delivery), act, f"Counted: {who}. {still_needed(view)}", counted=True
            )
            return
        text = (
            f"The answer of {who} does not count: {visible(recorded.reason)}\n\nThe request still "
            "waits, nothing has run."
        )
        if recorded.reason == UNREAD_ANSWER:
            text += f"\n\n{self._how_to_read(view, act)}"
        await self._connector.ask_again(ticket_of(delivery), act, text, counted=False)

    async def _tell_taken_back(
        self, delivery: Delivery, request: Request, act: TicketAct, recorded: RecordedAct
    ) -> None:
        """In a ticket that needs no answer any more."""
        who = visible(act.actor_name or act.actor or "somebody")
        if recorded.reason:
            said = f"{who}: nothing was taken back. {visible(recorded.reason)}"
        elif request.status is RequestStatus.PENDING:
            said = f"The vote of {who} is taken back. What is asked now has a ticket of its own."
        elif _is_revoked_in(request, ticket_of(delivery).key):
            said = f"{who} has taken the approval back. Nothing runs, and the agents know why."
        else:
            return
        await self._connector.comment(ticket_of(delivery), said, key=act.id)

    def _how_to_read(self, view: RequestView, act: TicketAct) -> str:
        """To whoever has to read first: a link of their own, made when it is said."""
        request, person = view.request, self._acts.actor(act).principal
        if self._links is None or person is None:
            return f"Read it with `countersign requests show {request.id}` and use the API."
        link = self._links.personal(request, person.id, self._name)
        minutes = int(VALID_S // 60)
        return (
            f"Read all of it within {minutes} minutes, and confirm it there; then answer again:\n"
            f"{link}\nThe link is for {visible(person.name)} alone. Once it has expired, answer "
            "again to get another one."
        )

    async def _leave_alone(self, delivery: Delivery) -> None:
        ref = ticket_of(delivery)
        key = ActKey(channel=self._name, ticket_id=ref.id, act_id="left alone")
        body: JsonObject = {"channel": self._name, "ticket": ref.key}
        if await self._approvals.note(delivery.request_id, "ticket_left_alone", body, act=key):
            said = (
                f"{ref.key} was moved more than {ACTS_MAX} times; it is not moved back any more. "
                "Decide it elsewhere, and look for an automation that moves it."
            )
            log.warning("ticket left alone", request_id=delivery.request_id, ticket=ref.key)
            await self._store.write(lambda c: delivery_rows.record(c, delivery.id, error=said))

    async def _restore(self, delivery: Delivery, view: RequestView, seen: Observation) -> None:
        """Write our text again over what somebody made of it, and say so once."""
        if seen.altered_by is None:
            return
        ref = ticket_of(delivery)
        by = sha256_hex(seen.altered_by.encode("utf-8", "replace"))[:32]
        key = ActKey(channel=self._name, ticket_id=ref.id, act_id=f"altered:{by}")
        body: JsonObject = {
            "channel": self._name,
            "ticket": ref.key,
            "identity": f"{self._name}:{seen.altered_by}",
        }
        reason = f"The text of {ref.key} was changed by {seen.altered_by}; it was restored."
        if await self._approvals.note(delivery.request_id, "ticket_altered", body, act=key):
            log.warning("ticket text changed", ticket=ref.key, by=seen.altered_by)
        await self._store.write(
            lambda c: delivery_rows.record(c, delivery.id, error=visible(reason)[:1000])
        )
        ref = await self._connector.adopt(self._channel.order(delivery, view), ref)
        moment = Moment(self._clock.now())
        await self._store.unit(lambda unit: keep_shown(unit, delivery, ref), moment)
        # What was set while the wrong text stood there is in this reading, and in no later one.
        again = await self._connector.fetch_one(ref)
        known = {base_of(each.key.act_id) for each in await self._acts.recorded(delivery)}
        for finding in () if again is None else self._connector.decide(again):
            if finding.act.id not in known:
                await self._acts.refuse(delivery, finding.act, f"{reason} Please decide again.")
        if again is not None:
            await self._answer_each(delivery, again)


def _is_revoked_in(request: Request, key: str) -> bool:
    decision = request.decision
    return decision is not None and decision.comment == taken_back_words(key)
