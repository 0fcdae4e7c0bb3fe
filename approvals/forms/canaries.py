"""Words on canaries, once they have ended: that it was a test, and what would have been right."""

from __future__ import annotations

from countersign.approvals.models import Answer, Canary, CanaryEnd, Cause, Request

TITLE = "This was a test"
NOTHING_RAN = (
    "This was a test of whether such requests are read. Nobody had asked for it, and nothing was "
    "ever going to run."
)
_GIVEN: dict[Answer | None, str] = {
    Answer.APPROVE: "approved it",
    Answer.REJECT: "rejected it",
    Answer.MODIFY: "approved it with changes",
}
_RIGHT = {
    Answer.APPROVE: "to approve it",
    Answer.REJECT: "to reject it",
    Answer.MODIFY: "to change it before approving",
}


def canary_words(canary: Canary) -> str:
    """What whoever has answered is told: what it was, what they did, and what is right and why."""
    right = " or ".join(_RIGHT[each] for each in canary.expect)
    match canary.end:
        case CanaryEnd.CAUGHT:
            said = f"{canary.by_name} {_GIVEN[canary.given]}, and that was right."
        case CanaryEnd.MISSED:
            said = f"{canary.by_name} {_GIVEN[canary.given]}. Right would have been {right}."
        case CanaryEnd.ASKED:
            said = f"{canary.by_name} asked before deciding. Right would have been {right}."
        case _:
            said = f"Nobody answered it in time. Right would have been {right}."
    return f"{NOTHING_RAN} {said} {canary.because}"


def is_canary(request: Request) -> bool:
    """Whether it was a test, and has ended: nobody is told before."""
    return request.result is not None and request.result.cause is Cause.CANARY
