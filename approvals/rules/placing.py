"""Placing: where a request is shown, by what a channel says of itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        began = f"{_CONVERSATION}{conversation.key}"
        if conversation.kind in placing.where_it_began:
            return (began,)
        if placing.takes_words and request.kind is RequestKind.INPUT:
            return _in_words(began, conversation, placing, approvers)
    if placing.everything_in:
        return (f"{_CONVERSATION}{placing.everything_in}",)
    needed = placing.identity
    asked = [person for person in approvers if not needed or needed in person.identities]
    return tuple(f"person:{person.id}" for person in asked)


def _in_words(
    began: str, conversation: Conversation, placing: Placing, approvers: Sequence[Principal]
) -> Sequence[str]:
    """In the chat where it began whoever is there answers; of one person's own chat that is this
    person, and others are asked in theirs."""
    if conversation.kind != "personal":
        return (began,)
    others = [p for p in approvers if p.id != conversation.principal_id]
    known = [p for p in others if not placing.identity or placing.identity in p.identities]
    mine = (began,) if len(others) < len(approvers) else ()
    return (*mine, *(f"{_PERSON}{person.id}" for person in known))


def asked_in(
    request: Request, conversation: Conversation | None, placings: Mapping[str, Placing]
) -> Sequence[str]:
    """The channels that show it; `conversation` is the one in which its session began."""
    if request.kind is RequestKind.INPUT and conversation is not None:
        placing = placings.get(conversation.channel)
        if placing is not None and placing.takes_words:
            return (conversation.channel,)
    return request.channels


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
