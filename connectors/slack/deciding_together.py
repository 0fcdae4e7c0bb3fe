"""A press that decides all calls of a message that wait, if they are those that it has shown."""

from __future__ import annotations

from collections.abc import Callable

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import StaleDigestError, UnreadError
from countersign.approvals.forms.together import digest_of, waiting
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import Actor, Request, Verdict
from countersign.approvals.ports import RequestView
from countersign.connectors.receiving_together import TogetherAttempt, receive_together
from countersign.connectors.slack.drawing import drawn_for
from countersign.connectors.slack.message import Bound
from countersign.connectors.slack.together import members_of
from countersign.connectors.slack.words import STALE, UNREAD

MOST_TOLD = 5
"""Calls that are named of those which wait on."""


def shown_in(view: RequestView, bound: Bound) -> RequestView:
    """The view of a message that shows these calls."""
    return view.model_copy(update={"calls": bound.calls})


def is_current(view: RequestView, bound: Bound) -> bool:
    """Whether those wait that waited when the buttons were drawn, as they were."""
    open_now = waiting(members_of(shown_in(view, bound)))
    return bool(open_now) and digest_of(open_now) == bound.digest


async def decide_all(
    approvals: Approvals,
    view: RequestView,
    bound: Bound,
    actor: Actor,
    verdict: Verdict,
    comment: str,
    page: Callable[[Request], str],
) -> str:
    """Count it for all of them that are for this person: what is told of the others, "" for none.

    Raises as `receive_together`; StaleDigestError if others wait now than were shown; UnreadError
    for the approval of what the message cannot show.
    """
    shown = shown_in(view, bound)
    calls = waiting(members_of(shown))
    if not is_current(view, bound):
        raise StaleDigestError(STALE)
    if verdict is Verdict.APPROVE and not drawn_for(shown, page).complete:
        raise UnreadError(UNREAD)
    digests = {each.id: each.digest for each in calls}
    attempt = TogetherAttempt(digests, actor, verdict, comment, leave=True)
    left = (await receive_together(approvals, view, attempt)).left
    told = [
        f"{in_words(each.tool)} ({each.id}): {left[each.id]}" for each in calls if each.id in left
    ]
    if not told:
        return ""
    more = f" And {len(told) - MOST_TOLD} more." if len(told) > MOST_TOLD else ""
    return f"{len(told)} of them wait on. {' '.join(told[:MOST_TOLD])}{more}"
