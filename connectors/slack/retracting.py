"""Retracting: the buttons that take back a vote, and an approval whose call has not begun. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.models import JsonObject, RequestKind, RequestStatus, Via
from countersign.approvals.ports import RequestView
from countersign.connectors.slack import undos
from countersign.connectors.slack.markup import button
from countersign.connectors.slack.undos import UNDO
from countersign.connectors.slack.words import STALE, too_late

WITHDRAW, REVOKE = "withdraw", "revoke"
TAKEN_BACK = "Your vote is taken back. You can vote again."
NOTHING = "There is nothing to revoke: it has begun, or is not approved any more."


def retracting(view: RequestView, value: str) -> Sequence[JsonObject]:
    """The button that fits how it stands: for whoever has voted, or has approved it; others are
    told that there is nothing of theirs."""
    voted = any(vote.revision == view.request.revision for vote in view.votes)
    if view.request.status is RequestStatus.PENDING and voted:
        return [button(WITHDRAW, "Take back my vote", value=value)]
    if is_revocable(view):
        return [button(REVOKE, "Revoke the approval…", value=value, style="danger")]
    return []


def is_revocable(view: RequestView) -> bool:
    """Whether people have approved it, and it has not begun."""
    request = view.request
    by_people = request.decision is not None and request.decision.via != Via.POLICY
    is_open = request.status is RequestStatus.APPROVED and request.result is None
    return is_open and by_people and request.kind is RequestKind.TOOL


def out_of_date(view: RequestView, digest: str, verb: str) -> str | None:
    """Why what the button was shown for is not there any more; None if it is."""
    if verb == UNDO:
        return undos.why_not(view) or None
    if verb == REVOKE:
        return None if is_revocable(view) else NOTHING
    if (late := too_late(view.request)) is not None:
        return late
    return STALE if view.request.digest != digest else None
