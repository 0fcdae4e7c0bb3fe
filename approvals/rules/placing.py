"""Placing: where a request is shown, by what a channel says of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import Conversation, Placing, Principal, Request, RequestKind
from countersign.approvals.tickets import target_of


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
    """`conversation:<key>`, `person:<id>` or `ticket:<revision>.<stage>`; `conversation` is the one
    in which the session began."""
    if placing.in_tickets:
        return () if request.kind is RequestKind.INPUT else (target_of(request),)
    if conversation is not None and conversation.channel == channel:
        if conversation.kind in placing.where_it_began:
            return (f"conversation:{conversation.key}",)
    needed = placing.identity
    asked = [person for person in approvers if not needed or needed in person.identities]
    return tuple(f"person:{person.id}" for person in asked)
