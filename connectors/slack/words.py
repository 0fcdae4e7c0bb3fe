"""Words for whoever has answered in Slack: what came of it, and what to do. Pure."""

from __future__ import annotations

from countersign.approvals.errors import AlreadyUsedError, UnprovenError
from countersign.approvals.forms.canaries import TITLE, is_canary
from countersign.approvals.models import Request, RequestStatus
from countersign.connectors.receiving import VoteOutcome, VoteResult
from countersign.connectors.ticketing.outcome import decided_words

UNREAD = "The message does not show all of it. Read it on its page, and decide it there."
HOW_TO_APPROVE = (
    "To change values, press Change; to approve exactly what is shown, write no comment; to turn "
    "it down, press Reject."
)
HOW_TO_CHANGE = "Put every change into the form."
STALE = "This message was out of date. Nothing was decided; it shows now how it stands."
COUNTED = "Your vote is counted. More people have to decide."
REVISED = "Not decided yet: read in the message why your values are asked again, and who decides."


def told(outcome: VoteOutcome) -> str:
    """What came of a vote."""
    match outcome.result:
        case VoteResult.DECIDED if outcome.request is not None and is_canary(outcome.request):
            return f"{TITLE}. The message says what would have been right."
        case VoteResult.DECIDED:
            return "It is decided."
        case VoteResult.COUNTED:
            return COUNTED
        case VoteResult.REVISED:
            return REVISED
        case VoteResult.STALE:
            return STALE
        case VoteResult.LOST if outcome.decision and not isinstance(
            outcome.error, AlreadyUsedError
        ):
            first = outcome.decision
            at = f"{first.at:%Y-%m-%d %H:%M:%S} UTC"
            by = first.by_name or "the deadline"
            return f"This was decided before, by {by}, at {at}. Your answer changed nothing."
        case VoteResult.REFUSED if isinstance(outcome.error, UnprovenError):
            return f"{outcome.reason} {outcome.error.page} Nothing was decided."
        case VoteResult.REFUSED:
            return f"You cannot decide this. {outcome.reason}"
    return f"{outcome.reason} Nothing was decided."


def too_late(request: Request) -> str | None:
    """That a request waits for nobody any more; None while it does."""
    if request.status is RequestStatus.PENDING:
        return None
    return f"{decided_words(request)} Your answer changed nothing."
