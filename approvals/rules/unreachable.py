"""Unreachable approvers: what people are told of those who cannot be reached. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.wording import in_words, people_in_words
from countersign.approvals.models import (
    Delivery,
    DeliveryStatus,
    Principal,
    RequestStatus,
)
from countersign.approvals.ports import RequestView

_PERSON = "person:"


def unreachable(deliveries: Sequence[Delivery]) -> list[str]:
    """Who or what cannot be reached, and why; a sentence each, without its full stop."""
    return [_clause(d) for d in deliveries if d.status is DeliveryStatus.UNREACHABLE]


def people_out_of_reach(
    people: Sequence[Principal], deliveries: Sequence[Delivery]
) -> tuple[Principal, ...]:
    """Those of `people` who are asked, and cannot be reached anywhere that they are asked."""
    reached: dict[str, bool] = {}
    for delivery in deliveries:
        if delivery.target.startswith(_PERSON) and delivery.status is not DeliveryStatus.ABANDONED:
            name = delivery.target.removeprefix(_PERSON)
            is_reached = delivery.status is not DeliveryStatus.UNREACHABLE
            reached[name] = reached.get(name, False) or is_reached
    return tuple(person for person in people if not reached.get(person.id, True))


def news(view: RequestView, deliveries: Sequence[Delivery], fresh: Delivery) -> str | None:
    """What the thread is told now that `fresh`, one of `deliveries`, turns out unreachable.

    Told once when the first one is found, and once more when nobody is left: with many approvers
    a message for each of them would only be noise; `status` and the API have them all.
    """
    request = view.request
    if request.status is not RequestStatus.PENDING:
        return None
    what = f"{in_words(request.tool)} ({request.id})"
    lost = {person.id for person in people_out_of_reach(view.eligible, deliveries)}
    left = [person for person in view.eligible if person.id not in lost]
    is_first = len(unreachable(deliveries)) == 1
    others = sorted({d.channel for d in deliveries if d.channel != fresh.channel})
    also = " or ".join(system_words(channel) for channel in others)
    if not fresh.target.startswith(_PERSON):
        how = f"it can be decided in {also}" if also else "it is shown as soon as that is undone"
        return f"{what}: {_clause(fresh)}; {how}." if is_first else None
    if left:
        if not is_first:
            return None
        return f"{what}: {_clause(fresh)}; {people_in_words(left)} can decide."
    deciders = {f"{_PERSON}{person.id}" for person in view.eligible}
    asked = [d for d in deliveries if d.target in deciders or not d.target.startswith(_PERSON)]
    reasons = "; ".join(unreachable(asked))
    how = f"It can be decided in {also}." if also else "It is shown as soon as one of them can be."
    where = system_words(fresh.channel)
    return f"{what}: nobody who may decide it can be reached in {where} now. {reasons}. {how}"


def _clause(delivery: Delivery) -> str:
    return (delivery.error or "it cannot be reached").rstrip(".")
