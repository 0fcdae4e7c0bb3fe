"""Showing: the rows of where requests are shown, to whom beside, and what is said below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from countersign.approvals import ids
from countersign.approvals.models import (
    Conversation,
    DeliveryId,
    Placing,
    Principal,
    Request,
    Session,
    Vote,
)
from countersign.approvals.ports import Job, Jobs, Unit
from countersign.approvals.rules.placing import asked_in, is_reminded, is_told_voters, targets
from countersign.approvals.store import conversations as conversation_rows
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import reminders as reminder_rows
from countersign.approvals.store.reminders import reminder_id

DELIVER, REMIND = "deliver", "remind"
"""Kinds of jobs: bring one place up to date; say something below what is shown there."""
TAKEN_BACK = 0
"""The number of the message that a request was taken back; those of reminders begin with 1."""


class Showing:
    """Every method belongs into a transaction."""

    def __init__(self, jobs: Jobs, placings: Mapping[str, Placing]):
        self._jobs, self._placings = jobs, placings

    def show_requester(self, unit: Unit, session: Session, request: Request) -> None:
        """Plan to show a pending request to whoever asked for it as well, in their own chats, for
        they are asked about it; not where it is shown in the thread they began it in. A ledger
        entry of the session has to follow."""
        person = unit.moment.people.by_id(request.requester)
        if person is not None:
            self._show_beside(unit, session, request, [person], anew=False)

    def show_to(
        self, unit: Unit, session: Session, request: Request, people: Sequence[Principal]
    ) -> None:
        """Plan to show a pending request anew to these people, whether they may decide it now or
        not; tickets are there for all. A ledger entry of the session has to follow."""
        self._show_beside(unit, session, request, people, anew=True)

    def _show_beside(
        self,
        unit: Unit,
        session: Session,
        request: Request,
        people: Sequence[Principal],
        *,
        anew: bool,
    ) -> None:
        conversation = thread_of(unit, session)
        channels = asked_in(request, conversation, self._placings)
        for name, placing in self._placings.items():
            if name not in channels or placing.in_tickets:
                continue
            for target in targets(name, placing, request, people, conversation):
                if anew and not placing.places:
                    delivery_rows.make_room(unit, request, name, target)
                self._add(unit, request, name, target)

    def _add(self, unit: Unit, request: Request, channel: str, target: str) -> None:
        unit.unshown.discard(request.id)
        delivery_id = DeliveryId(ids.new_id("D"))
        added = delivery_rows.add(
            unit.connection,
            delivery_id=delivery_id,
            request_id=request.id,
            channel=channel,
            target=target,
            now=unit.now,
        )
        if added:
            self._jobs.enqueue(unit, Job(kind=DELIVER, id=delivery_id))

    def remind(
        self, unit: Unit, request: Request, people: Sequence[Principal], *, escalated: bool
    ) -> list[str]:
        """Plan a message to where a pending request is shown, to those of these people who are
        shown it by themselves and to everybody else who is shown it; returns where."""
        number = 0 if request.timing is None else request.timing.count
        told = []
        for delivery in delivery_rows.of_request(unit.connection, request.id):
            if not is_reminded(delivery, request, people):
                continue
            reminder_rows.add(unit, delivery, number, escalated=escalated)
            self._jobs.enqueue(unit, Job(kind=REMIND, id=reminder_id(delivery.id, number)))
            told.append(f"{delivery.channel} {delivery.target}")
        return sorted(told)

    def tell_voters(self, unit: Unit, request: Request, votes: Sequence[Vote]) -> None:
        """Plan a message to where those who voted were shown a request that the agent took back:
        what changes there calls nobody."""
        for delivery in delivery_rows.of_request(unit.connection, request.id):
            if is_told_voters(delivery, votes):
                reminder_rows.add(unit, delivery, TAKEN_BACK, escalated=False)
                self._jobs.enqueue(unit, Job(kind=REMIND, id=reminder_id(delivery.id, TAKEN_BACK)))


def thread_of(unit: Unit, session: Session) -> Conversation | None:
    """Where the session began."""
    if session.conversation is None:
        return None
    return conversation_rows.get(unit.connection, session.conversation)
