"""Placing: where a request is shown, by what a channel says of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import (
    Conversation,
    Delivery,
    DeliveryStatus,
    Placing,
    Principal,
    Request,
    RequestKind,
    Vote,
)
from countersign.approvals.tickets import TARGET, target_of

PLACE = "place:"
"""Begins the target of a fixed place."""


def wider_audience(placing: Placing, kind: str) -> bool:
    """Whether a conversation of this kind has more people in it than a request is shown to: of what
    is decided elsewhere they learn how it stands, and no more."""
    return kind != "personal" and kind not in placing.where_it_began


def targets(
    channel: str,
    placing: Placing,
    request: Request,
    approvers: Sequence[Principal],
    conversation: Conversation | None,
) -> Sequence[str]:
    """`conversation:<key>`, `person:<id>`, `place:<name>` or `ticket:<revision>.<stage>`;
    `conversation` is the one in which the session began."""
    if placing.places:
        return tuple(f"{PLACE}{name}" for name in placing.places)
    if placing.in_tickets:
        return () if request.kind is RequestKind.INPUT else (target_of(request),)
    if conversation is not None and conversation.channel == channel:
        if conversation.kind in placing.where_it_began:
            return (f"conversation:{conversation.key}",)
    if placing.everything_in:
        return (f"{_CONVERSATION}{placing.everything_in}",)
    needed = placing.identity
    asked = [person for person in approvers if not needed or needed in person.identities]
    return tuple(f"person:{person.id}" for person in asked)


def is_reminded(delivery: Delivery, request: Request, people: Sequence[Principal]) -> bool:
    """Whether somebody who may decide is reached by a message to where it is shown."""
    if delivery.status is not DeliveryStatus.LIVE:
        return False
    if delivery.target.startswith(TARGET):
        return delivery.target == target_of(request)
    if delivery.target.startswith(_PERSON):
        return any(delivery.target == f"{_PERSON}{person.id}" for person in people)
    return delivery.target.startswith(_CONVERSATION)


def is_told_voters(delivery: Delivery, votes: Sequence[Vote]) -> bool:
    """Whether somebody who has voted was shown it there; tickets say by themselves how it ends."""
    if delivery.status is not DeliveryStatus.LIVE or not votes:
        return False
    if delivery.target.startswith(_PERSON):
        return any(delivery.target == f"{_PERSON}{vote.principal_id}" for vote in votes)
    return delivery.target.startswith(_CONVERSATION)


_PERSON, _CONVERSATION = "person:", "conversation:"
