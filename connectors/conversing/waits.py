"""Pending requests of a conversation or person, looked up before their words are read."""

from __future__ import annotations

from dataclasses import dataclass

from countersign.approvals.models import (
    ConversationKey,
    Principal,
    Request,
    RequestKind,
    RequestStatus,
    SessionStatus,
)
from countersign.approvals.records import Records
from countersign.approvals.rules.wanted import Order, Wanted
from countersign.connectors.conversing.said import Surface

AT_MOST = 20
"""Cards that are named."""
LOOKED_AT = 200
"""Of what waits for a person, the oldest; and of questions to them as many of the newest."""
SESSIONS_SEEN = 5
QUESTIONS = Wanted(kind=RequestKind.INPUT)


@dataclass(frozen=True)
class Waits:
    """What a message may be about."""

    questions: tuple[Request, ...] = ()
    """Questions to this person that are shown here."""
    cards: tuple[Request, ...] = ()
    """What else waits for this person here; in their own chat whatever waits for them."""


async def waits_for(
    records: Records, person: Principal, place: Surface, *, personal: bool
) -> Waits:
    """What waits for `person` in this place, the oldest first."""
    mine = list(await records.waiting_for(person, limit=LOOKED_AT))
    if not mine:
        return Waits()
    if len(mine) == LOOKED_AT:  # what is typed is the answer to a question, however much is older
        asked = await records.search(person, QUESTIONS, order=Order.NEWEST, limit=LOOKED_AT)
        seen = {request.id for request in mine}
        mine += [request for request in reversed(asked.items) if request.id not in seen]
    around = await records.around([request.id for request in mine])
    shown = {of for of, (_, found) in around.items() if place.is_shown(found, person)}
    questions = [r for r in mine if r.kind is RequestKind.INPUT and r.id in shown]
    cards = [r for r in mine if r not in questions and (personal or r.id in shown)]
    return Waits(tuple(questions), tuple(cards[:AT_MOST]))


async def question_of_others(records: Records, here: ConversationKey) -> Request | None:
    """A question that is open in a session which began in this conversation."""
    sessions = await records.sessions(
        status=SessionStatus.WAITING, conversation=here, limit=SESSIONS_SEEN
    )
    for session in sessions.items:
        page = await records.requests(
            status=RequestStatus.PENDING, session_id=session.id, limit=AT_MOST
        )
        for request in page.items:
            if request.kind is RequestKind.INPUT:
                found: Request = request
                return found
    return None
