"""A click that approves all calls that wait together, if they are what the card has shown."""

from __future__ import annotations

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import StaleDigestError, UnreadError
from countersign.approvals.forms.together import digest_of, waiting
from countersign.approvals.models import Actor, Verdict
from countersign.approvals.ports import RequestView
from countersign.bot.teams.cards import shows_all
from countersign.bot.teams.clicks import Click
from countersign.bot.teams.parts import Look
from countersign.bot.teams.together import shows_others
from countersign.connectors.receiving_together import TogetherAttempt, receive_together


async def approve_all(
    approvals: Approvals, click: Click, actor: Actor, look: Look, view: RequestView, unread: str
) -> None:
    """Count it for all of them. Raises as `receive_together`; StaleDigestError if others wait now
    than were shown; UnreadError with `unread` where the card cannot show them."""
    calls = waiting([view.request, *view.siblings])
    if click.everything != digest_of(calls):
        raise StaleDigestError("What waits together has changed since this card was drawn.")
    if not (shows_all(view, look) and shows_others(view)):
        raise UnreadError(unread)
    shown = {each.id: each.digest for each in calls}
    attempt = TogetherAttempt(shown, actor, Verdict.APPROVE, click.comment)
    await receive_together(approvals, view, attempt)
