"""Quiet times: what is for one person waits until their quiet hours end, or for their next list.

Who is quiet when is asked again at least once an hour, so that nothing is held by what was so once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from countersign.approvals.models import Delivery, Principal, Request
from countersign.approvals.rules.quiet import held_until, listed_at

HELD = "Held until their quiet hours end, or their next list is due."
ASK_AGAIN = timedelta(hours=1)
PERSON = "person:"


def person_of(delivery: Delivery) -> str:
    """The id of the person for whom alone it is; "" if others are shown it, too."""
    found = delivery.target.startswith(PERSON)
    return delivery.target.removeprefix(PERSON) if found else ""


def held(
    delivery: Delivery, person: Principal | None, request: Request, now: datetime
) -> datetime | None:
    """When to see again about a request that is to be shown to a person; None to show it now. What
    is shown already is brought up to date at any time: that calls nobody."""
    if delivery.reference is not None:
        return None
    until = listed_at(person, request, now)
    later = held_message(person, request, until or now)
    return later if until is None else min(later or until, now + ASK_AGAIN)


def held_message(person: Principal | None, request: Request, now: datetime) -> datetime | None:
    """The same of any message to whoever it is shown to."""
    until = held_until(person, request, now)
    return None if until is None else min(until, now + ASK_AGAIN)
