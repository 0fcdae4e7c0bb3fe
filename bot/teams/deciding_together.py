"""A click that decides all calls that wait together, if they are what the card has shown."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import StaleDigestError, UnreadError
from countersign.approvals.forms.together import digest_of, waiting
from countersign.approvals.forms.wording import in_words
from countersign.approvals.models import Actor, Request, Verdict
from countersign.approvals.ports import RequestView
from countersign.bot.teams.cards import shows_all
from countersign.bot.teams.clicks import Click
from countersign.bot.teams.parts import Look
from countersign.bot.teams.together import shows_others
from countersign.connectors.receiving_together import TogetherAttempt, receive_together

MOST_TOLD = 5
"""Calls that are named of those which wait on."""


async def decide_all(
    approvals: Approvals, click: Click, actor: Actor, look: Look, view: RequestView, unread: str
) -> str:
    """On the card of one call, for all that wait with it. Gives and raises as `decide_these`."""
    calls = waiting([view.request, *view.siblings])
    whole = shows_all(view, look) and shows_others(view)
    return await decide_these(approvals, click, actor, view, calls, unread, whole=whole)


async def decide_these(
    approvals: Approvals,
    click: Click,
    actor: Actor,
    view: RequestView,
    calls: Sequence[Request],
    unread: str,
    *,
    whole: bool,
) -> str:
    """Count it for all of them that are for this person; what is told of the others. `whole`:
    whether all of each can be read on the card. Raises as `receive_together`; StaleDigestError if
    others wait now than were shown; UnreadError with `unread` for the approval of what the card
    cannot show."""
    if not calls or click.everything != digest_of(calls):
        raise StaleDigestError("What waits together has changed since this card was drawn.")
    verdict = Verdict.APPROVE if click.verb == "approve_all" else Verdict.REJECT
    if verdict is Verdict.APPROVE and not whole:
        raise UnreadError(unread)
    shown = {each.id: each.digest for each in calls}
    attempt = TogetherAttempt(shown, actor, verdict, click.comment, leave=True)
    left = (await receive_together(approvals, view, attempt)).left
    told = [
        f"{in_words(each.tool)} ({each.id}): {left[each.id]}" for each in calls if each.id in left
    ]
    if not told:
        return ""
    more = f" And {len(told) - MOST_TOLD} more." if len(told) > MOST_TOLD else ""
    return f"{len(told)} of them wait on. {' '.join(told[:MOST_TOLD])}{more}"
