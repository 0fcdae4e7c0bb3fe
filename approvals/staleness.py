"""Whether an approval still holds when its call is about to begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from approvals.asking import AskAgain
from approvals.evidence import LAPSED, Evidence
from approvals.models import Cause, JsonObject, Request, Result, Ruling, Session, Verdict
from approvals.proposals import not_executed
from approvals.wording import duration_words, visible

LAPSES = 3
"""How many approvals of one call may come to nothing before it is not asked any more."""
NOT_CARRIED_OUT = "Approved by {who} on {at:%Y-%m-%d %H:%M} UTC, but not carried out within {span}."
GIVEN_UP = "It was approved {count} times and not carried out in time, so it is not asked again."


def lapsed(
    request: Request, session: Session, evidence: Evidence, ruling: Ruling, now: datetime
) -> AskAgain | Result | None:
    """What follows if the time of the approval is over; None if it holds.

    `ruling` is that of today: an approval holds for as long as the rule says that it was asked by,
    and as the rule of today says.
    """
    spans = [s for s in (request.valid_for_s, ruling.valid_for_s) if s is not None]
    if not spans or evidence.decided_at + timedelta(seconds=min(spans)) >= now:
        return None
    why = NOT_CARRIED_OUT.format(
        who=_approvers(evidence), at=evidence.decided_at, span=duration_words(min(spans))
    )
    if evidence.lapsed + 1 >= LAPSES:
        given_up = f"{why} {GIVEN_UP.format(count=evidence.lapsed + 1)}"
        return not_executed(Cause.EXPIRED, given_up, retry=True)
    body: JsonObject = {
        "request": request.id,
        "revision": request.revision,
        "digest": request.digest,
        "cause": Cause.EXPIRED,
        "decided_at": evidence.decided_at.isoformat(),
        "valid_for_s": min(spans),
    }
    return AskAgain(request, session, why, tool_changed=False, entry=(LAPSED, body))


def _approvers(evidence: Evidence) -> str:
    names = [visible(vote.name) for vote in evidence.votes if vote.verdict is Verdict.APPROVE]
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} and {last}" if others else last
